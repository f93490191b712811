"""What lies around the networks of this node, as `doctor` looks at it: the machine, what containerd loads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.cli.session import Session
    from cni_hns.ledger.condition import Condition
    from cni_hns.survey.configuration import ConfigurationSeen
    from cni_hns.survey.surroundings import HostSeen

__all__ = ["LIMIT_S", "look_beside"]

# netsh takes the longest of them: a second on a busy node.
LIMIT_S = 5.0


def look_beside(
    session: Session,
    ledger_path: str,
    timeout_s: float,
    *,
    bin_dir: str | None = None,
    conf_dir: str | None = None,
    containerd_config: str | None = None,
) -> tuple[HostSeen, ConfigurationSeen]:
    """Both within `timeout_s`; what did not come is None there, and `notes` has the reason."""
    from cni_hns.cli.runtime import look_at_runtime
    from cni_hns.deadline import Deadline
    from cni_hns.ledger.condition import condition_of
    from cni_hns.survey.surroundings import look_around

    def condition() -> Condition:
        return condition_of(ledger_path, Deadline(timeout_s))

    seen = look_at_runtime(bin_dir, conf_dir, containerd_config)
    folders = {"the ledger": os.path.dirname(ledger_path)}
    folders |= {f'the log of "{one.network}"': os.path.dirname(one.log) for one in seen.loaded if one.log}
    return look_around(lambda: session.apart(None, timeout_s), folders, condition, timeout_s), seen
