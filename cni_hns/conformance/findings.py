"""What a check raises where not all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.conformance.wire import Outcome

__all__ = ["Finding", "Hung", "NotApplicable"]


class Finding(Exception):
    """The plugin does not do what the check asks; `outcome` is the call that shows it."""

    def __init__(self, message: str, outcome: Outcome | None = None) -> None:
        super().__init__(message)
        self.outcome = outcome


class Hung(Finding):
    """A call did not end in time, which fails any check, whatever its level."""


class NotApplicable(Exception):
    """The check has nothing to ask of this plugin; `str()` says why."""
