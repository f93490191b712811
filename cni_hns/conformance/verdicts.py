"""How a check ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.conformance.registry import Check

__all__ = [
    "FAIL",
    "NOT_APPLICABLE",
    "PASS",
    "REMARK",
    "Verdict",
]

PASS = "pass"  # noqa: S105 -- no password
FAIL = "fail"
REMARK = "remark"
NOT_APPLICABLE = "not applicable"


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
