"""Calls at the same time, for different containers."""

from __future__ import annotations

from collections import Counter
from functools import partial

from cni_hns.conformance.bench import Added, Bench
from cni_hns.conformance.findings import NotApplicable
from cni_hns.conformance.registry import MUST, check
from cni_hns.conformance.results import addresses
from cni_hns.conformance.wire import Outcome

__all__ = ["CHECKS"]

_ORDERING = "section 3, Lifecycle & Ordering"
_CONCURRENT = '"Plugins must handle being executed concurrently across different containers"'
_AT_ONCE = 4


def _added_together(bench: Bench) -> list[Added]:
    """As many containers as are added at a time, each wherever its ADD succeeded."""
    wanted = [bench.attachment() for _ in range(_AT_ONCE)]
    outcomes = bench.together([partial(bench.add, one) for one in wanted])
    return [Added(one, bench.version, outcome) for one, outcome in zip(wanted, outcomes, strict=True)]


def _must_all_succeed(bench: Bench, outcomes: list[Outcome], words: str) -> None:
    failed = [outcome for outcome in outcomes if not outcome.ok]
    bench.must(
        not failed,
        f"{len(failed)} of {len(outcomes)} {words} at the same time failed",
        next(iter(failed), None),
    )


@check(
    "parallel.adds", MUST, f"{_AT_ONCE} ADDs at the same time succeed", section=_ORDERING, quote=_CONCURRENT
)
def adds(bench: Bench) -> None:
    _must_all_succeed(bench, [made.outcome for made in _added_together(bench)], "ADDs")


@check(
    "parallel.distinct-addresses",
    MUST,
    "ADDs at the same time give different addresses",
    section=_ORDERING,
    quote='"If necessary, they must implement locking on shared resources (e.g. IPAM databases)"',
)
def distinct_addresses(bench: Bench) -> None:
    one, other = bench.added(), bench.added()
    if set(addresses(one.result)) & set(addresses(other.result)):
        raise NotApplicable("the configuration gives every container the same address")
    made = [one, other, *(added for added in _added_together(bench) if added.outcome.ok)]
    given = Counter(address for added in made for address in addresses(added.result))
    if not given:
        raise NotApplicable("the results have no addresses")
    double = sorted(address for address, times in given.items() if times > 1)
    bench.must(not double, f"given more than once: {', '.join(double)}")


@check(
    "parallel.deletes",
    MUST,
    f"{_AT_ONCE} DELs at the same time succeed",
    section=_ORDERING,
    quote=_CONCURRENT,
)
def deletes(bench: Bench) -> None:
    made = [bench.added() for _ in range(_AT_ONCE)]
    _must_all_succeed(bench, bench.together([partial(bench.delete, one) for one in made]), "DELs")


@check(
    "parallel.adds-and-deletes",
    MUST,
    "ADDs and DELs at the same time succeed",
    section=_ORDERING,
    quote=_CONCURRENT,
)
def adds_and_deletes(bench: Bench) -> None:
    going = [bench.added() for _ in range(_AT_ONCE // 2)]
    coming = [bench.attachment() for _ in going]
    calls = [partial(bench.delete, one) for one in going]
    outcomes = bench.together([*calls, *(partial(bench.add, one) for one in coming)])
    _must_all_succeed(bench, outcomes, "ADDs and DELs")


CHECKS = (adds, distinct_addresses, deletes, adds_and_deletes)
