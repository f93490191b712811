"""What a check finds, and the tables that say what each kind means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cni_hns.doctor.picture import Picture

    Check = Callable[[Picture], Iterator["Seen"]]

__all__ = ["Area", "Finding", "Kind", "Seen"]

Severity = Literal["ill", "warning"]


class Kind(NamedTuple):
    """What all findings of a kind share.

    `effect` says what it does to pods, `remedy` the command that mends it, with the members of `Seen.names`
    in braces; a command in the midst of other words stands between backticks. `severity`: "ill" where pods
    have or will have no network, "warning" where it only costs something. `repair` names what `doctor
    --repair` does about it (`cni_hns.doctor.repair`); "" where a person has to decide.
    """

    severity: Severity
    effect: str
    remedy: str
    repair: str = ""


class Seen(NamedTuple):
    """What a check saw: the kind, the object, what disagrees and why, and what `remedy` names.

    `pods` are the ones concerned, as `pod list` calls them.
    """

    kind: str
    subject: str
    cause: str
    pods: tuple[str, ...] = ()
    names: dict[str, str] = {}  # noqa: RUF012 - read, never written to


class Finding(NamedTuple):
    """A disagreement for people and programs: all of `Seen` and of its `Kind`."""

    kind: str
    severity: Severity
    subject: str
    cause: str
    effect: str
    remedy: str
    pods: tuple[str, ...]
    repair: str

    def is_of_the_same(self, other: Finding) -> bool:
        """Whether both tell of one object, one pod or one cause; how many there are may differ."""
        if self.kind != other.kind:
            return False
        has_a_pod_of_it = not set(self.pods).isdisjoint(other.pods)
        return has_a_pod_of_it or self.cause == other.cause or _uncounted(self) == _uncounted(other)

    @classmethod
    def of(cls, seen: Seen, kind: Kind) -> Finding:
        """With the remedy's names filled in."""
        remedy = kind.remedy.format(**seen.names)
        return cls(
            seen.kind, kind.severity, seen.subject, seen.cause, kind.effect, remedy, seen.pods, kind.repair
        )


def _uncounted(finding: Finding) -> str:
    """The subject without how many: of `3 addresses of network "pods"`, `of network "pods"`."""
    return re.sub(r"^\d+ \w+ ?", "", finding.subject)


class Area(NamedTuple):
    """One file of `checks/`: its kinds, and the checks that find them."""

    kinds: dict[str, Kind]
    checks: tuple[Check, ...]
