"""When a route may go: only where answers of the API prove that no node has its pods any more.

Rule 1: a list that lacks this very node proves nothing: it may come from an API that was restored from an old
backup, or from one that shows us little. A mirror that has never been whole proves nothing either.
Rule 2: a node that is there keeps its route, however little it says of itself at the moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cni_hns.cluster.prefixes import is_within, network

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cni_hns.cluster.members import Member
    from cni_hns.cluster.prefixes import Network
    from cni_hns.cluster.routes.route import Route

__all__ = ["NOTHING", "Gone", "gone", "removable"]


class Gone(NamedTuple):
    """What is known to have no node: every prefix that none of the others claims, if anything is `proven`."""

    proven: bool
    claimed: frozenset[str]

    def has(self, prefix: str) -> bool:
        """Whether no node but perhaps this one has the pods of this prefix."""
        return self.proven and prefix not in self.claimed


NOTHING = Gone(proven=False, claimed=frozenset())


def gone(members: Iterable[Member], own: str, *, whole: bool) -> Gone:
    """What the members prove; `whole`: a complete list of them has been seen."""
    everybody = list(members)
    if not whole or own not in {one.name for one in everybody}:
        return NOTHING
    claimed = (text for one in everybody if one.name != own for text in one.pod_cidrs)
    return Gone(proven=True, claimed=frozenset(claimed))


def removable(held: Iterable[Route], known: Gone, within: Sequence[str] | None = None) -> list[Route]:
    """Those of the routes that may go; `within` are the cluster's pod ranges, None for wherever they lead."""
    ranges = None if within is None else [one for one in map(network, within) if one is not None]
    return [one for one in held if known.has(one.prefix) and (ranges is None or _is_in(one.prefix, ranges))]


def _is_in(prefix: str, ranges: Iterable[Network]) -> bool:
    inner = network(prefix)
    return inner is not None and any(is_within(inner, one) for one in ranges)
