"""What a check is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.conformance.bench import Bench

__all__ = ["MUST", "SHOULD", "Check", "check"]

MUST = "must"
SHOULD = "should"


@dataclass(frozen=True)
class Check:
    """One thing that the specification says of plugins, and how to see whether it is so."""

    id: str
    """`<topic>.<name>`."""
    level: str
    """MUST: not so is a failure. SHOULD: not so is a remark."""
    title: str
    """What a conforming plugin does."""
    section: str
    """Where it is said: a section of the CNI specification 1.1.0, or who else says so."""
    quote: str
    """The words it rests on, or a short form of them."""
    run: Callable[[Bench], None] = field(repr=False)
    since: str = "0.1.0"
    """The first version of the specification that has what is asked."""
    not_for: Mapping[str, str] = field(default_factory=dict)
    """Kinds of plugin that it asks nothing of, and why."""
    takes_from_others: bool = False
    """Whether attachments that are not the harness's own may be removed."""

    @property
    def topic(self) -> str:
        return self.id.partition(".")[0]


def check(
    id_: str,
    level: str,
    title: str,
    *,
    section: str,
    quote: str,
    since: str = "0.1.0",
    not_for: Mapping[str, str] | None = None,
    takes_from_others: bool = False,
) -> Callable[[Callable[[Bench], None]], Check]:
    """Make the function a check; it returns where all is well and raises Finding or NotApplicable "
    "otherwise."""

    def made(function: Callable[[Bench], None]) -> Check:
        return Check(id_, level, title, section, quote, function, since, not_for or {}, takes_from_others)

    return made
