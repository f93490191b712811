"""One examination from the first look to the repairs: what the operator's command and the agent share."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from cni_hns.deadline import Deadline
from cni_hns.doctor.examine import examine
from cni_hns.doctor.picture import Picture
from cni_hns.doctor.repair import Step, repair
from cni_hns.ledger.condition import Condition, condition_of
from cni_hns.survey.questions import Question
from cni_hns.survey.surroundings import look_around

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cni.request import Request
    from cni_hns.doctor.finding import Finding
    from cni_hns.node.node import Node
    from cni_hns.survey.configuration import ConfigurationSeen
    from cni_hns.survey.seen import Seen
    from cni_hns.survey.surroundings import HostSeen

__all__ = ["Examined", "examined", "look_beside", "mended"]

# netsh takes the longest of them: a second on a busy node.
_BESIDE_S = 5.0


class Examined(NamedTuple):
    """One look at the node, and what is wrong by it."""

    picture: Picture
    findings: list[Finding]

    @property
    def is_ill(self) -> bool:
        return any(one.severity == "ill" for one in self.findings)


def look_beside(
    apart: Callable[[float], Node], configuration: ConfigurationSeen, ledger_path: str, timeout_s: float
) -> HostSeen:
    """The machine around HNS, within `timeout_s` or a few seconds. `apart` makes a node for one thread."""
    limit_s = min(timeout_s, _BESIDE_S)

    def condition() -> Condition:
        return condition_of(ledger_path, Deadline(limit_s))

    loaded = configuration.loaded
    folders = {"the ledger": os.path.dirname(ledger_path)}
    folders |= {f'the log of "{one.network}"': os.path.dirname(one.log) for one in loaded if one.log}
    return look_around(lambda: apart(limit_s), folders, condition, limit_s)


def examined(
    look: Callable[[], Seen], host: HostSeen | None, configuration: ConfigurationSeen | None
) -> Examined:
    """What is wrong: where one look finds anything, only what a second one finds too."""

    def once() -> Examined:
        picture = Picture.of(look(), host, configuration)
        return Examined(picture, examine(picture))

    first = once()
    if not first.findings or first.picture.seen.notes:
        return first
    # The sources are read one after the other: what began or ended in between is gone at a second look.
    second, kinds = once(), {one.kind for one in first.findings}
    return second._replace(findings=[one for one in second.findings if one.kind in kinds])


def mended(
    found: Examined,
    apart: Callable[[], Node],
    request_for: Callable[[str], Request],
    limit_s: float,
    *,
    dry_run: bool,
) -> list[Step]:
    """Do, within this time, what the findings name as safe; each thing that was done or left."""
    steps: list[Step] = []

    def do_all() -> None:
        with closing(apart()) as node:
            for step in repair(found.findings, found.picture, node, request_for, dry_run=dry_run):
                steps.append(step)  # noqa: PERF402 - each is there as soon as it is done

    fault = Question("HNS", limit_s, do_all).outcome().fault
    rest = [Step("repair", "the rest", f"left: {fault}")] if fault else []
    return [*steps, *rest]
