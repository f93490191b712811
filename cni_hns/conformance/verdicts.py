"""How a check ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.conformance.registry import Check
    from cni_hns.conformance.wire import Outcome

__all__ = [
    "FAIL",
    "NOT_APPLICABLE",
    "PASS",
    "REMARK",
    "Finding",
    "Hung",
    "NotApplicable",
    "Verdict",
]

PASS = "pass"  # noqa: S105 -- no password
FAIL = "fail"
REMARK = "remark"
NOT_APPLICABLE = "not applicable"


class Finding(Exception):
    """The plugin does not do what the check asks; `outcome` is the call that shows it."""

    def __init__(self, message: str, outcome: Outcome | None = None) -> None:
        super().__init__(message)
        self.outcome = outcome


class Hung(Finding):
    """A call did not end in time, which fails any check, whatever its level."""


class NotApplicable(Exception):
    """The check has nothing to ask of this plugin; `str()` says why."""


@dataclass(frozen=True)
class Verdict:
    """What a check came to. `message` is empty where it simply passed."""

    check: Check
    status: str
    message: str
    seconds: float
    evidence: tuple[str, ...] = ()
    """The call that shows it: variables, stdin, exit code, stdout, stderr."""
    steps: tuple[str, ...] = ()
    """All calls of the check, a line each."""
