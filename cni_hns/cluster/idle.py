"""What the agent does while nothing changes: it examines its node, and mends what is safe to mend.

It is what `cni-hns doctor --repair` does and `cni-hns metrics` prints, by the same rooms. Everything is
bounded in time and has nodes of its own: an HNS that hangs costs this examination, and nothing else.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cni_hns.cni.by_hand import requests_with
from cni_hns.diagnosis.files import configurations, in_folder
from cni_hns.diagnosis.node_metrics import count_logs, gauge
from cni_hns.doctor.examination import examined, look_beside, mended

if TYPE_CHECKING:
    from cni_hns.cluster.world import World
    from cni_hns.diagnosis.exposition import Family
    from cni_hns.doctor.finding import Finding
    from cni_hns.doctor.repair import Step

__all__ = ["Examination", "examine_and_mend"]

_LOOK_S = 15.0
# For a hundred pods whose endpoints are made again while HNS takes its time.
_REPAIR_S = 300.0
_COUNTS = "agent-metrics-state.json"


class Examination(NamedTuple):
    """What was found, what was done about it, and the node's metrics of that moment.

    `notes`: what did not answer. `findings` are those that were there before anything was mended.
    """

    findings: list[Finding]
    steps: list[Step]
    notes: tuple[str, ...]
    families: list[Family]


def examine_and_mend(world: World) -> Examination:
    """One examination of the node, and the safe repairs of what it found."""
    ledger = os.path.join(world.folder, "ledger.db")
    files = configurations(in_folder(world.settings.conf_dir))
    documents = [one for _, one in files if isinstance(one, dict)]
    counted = count_logs(documents, os.path.join(world.folder, _COUNTS))
    look = partial(gauge, lambda: world.node(_LOOK_S / 3), documents, ledger, _LOOK_S)
    first = look()
    beside = world.runtime() if world.runtime is not None else None
    host = look_beside(world.node, beside, ledger, _LOOK_S) if beside is not None else None
    # The look that the metrics were made of is the first of the examination.
    looks = iter([first.seen])
    found = examined(lambda: next(looks, None) or look().seen, host, beside)
    seen = found.picture.seen
    steps: list[Step] = []
    # Where HNS did not answer nothing is known to be gone, and nothing could be made.
    if seen.namespaces is not None and seen.endpoints is not None:
        steps = mended(found, lambda: world.node(_REPAIR_S), requests_with({}), _REPAIR_S, dry_run=False)
    notes = (*first.notes, *counted.notes, *counted.keep())
    return Examination(found.findings, steps, notes, [*counted.counts.families(), *first.families])
