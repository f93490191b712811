"""Which address an attachment gets: one of each range set, held in the ledger before anybody uses it.

host-local's rules (https://www.cni.dev/plugins/current/ipam/host-local/), with these differences:
Rule 1: network, broadcast and gateway addresses, and those that the caller excludes, are never given.
Rule 2: behind the last one given, never used addresses come first; then the least recently released one.
Rule 3: an attachment that holds an address keeps it; what it holds besides its answer is released.
Rule 4: all of an attachment's addresses, or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cni_hns.ipam.errors import AddressUnavailable, RangeExhausted, Usage
from cni_hns.ipam.held import ENDED_AT_ONCE, Allocated, holder_words, host_local_cursor, plain_lease
from cni_hns.ipam.ranges import RangeLike, RangeSet, Span, range_sets_of
from cni_hns.ledger.addresses import address_key, address_text
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.ledger import AttachmentKey, Ledger

__all__ = [
    "AddressUnavailable",
    "RangeExhausted",
    "Usage",
    "allocate",
    "inside",
    "used_up",
]

_ALL = -1

# An error names so many of the pods that have the addresses: `cni-hns ipam list` has all of them.
_NAMED_PODS = 3


def allocate(
    ledger: Ledger,
    key: AttachmentKey,
    range_sets: Sequence[Sequence[RangeLike]],
    *,
    wanted: Iterable[str] = (),
    excluded: Iterable[str] = (),
    prefer: Iterable[str] = (),
    after: Mapping[int, int] | None = None,
    origin: str = "allocated",
    in_order: bool = False,
    now: float | None = None,
) -> list[Allocated]:
    """One address of each range set, in their order.

    `after`: what a set gave last, by its number, where somebody else may have taken the last one from it.
    `in_order`: as long as a range of a set has an address those behind it give none.
    `wanted` addresses must all be given, each by the first set that it lies in. `prefer` are taken where they
    are free: a repair gives a pod the addresses that it had. Part of the open transaction, or one of its own.

    Raises:
        AddressUnavailable: a wanted address is taken, reserved, or in none of the sets.
        RangeExhausted: a set has no free address.
    """
    now = ledger.now() if now is None else now
    with ledger.atomic():
        ledger.free_ended(key.network, now, ENDED_AT_ONCE)
        choice = _Choice(ledger, key, wanted=wanted, prefer=prefer, after=after or {}, origin=origin, now=now)
        sets = range_sets_of(range_sets, excluded, in_order=in_order)
        allocated = [choice.one_of(range_set) for range_set in sets]
        choice.finish()
        return allocated


def inside(range_sets: Sequence[Sequence[RangeLike]], addresses: Iterable[str]) -> list[str]:
    """Those of the addresses that one of the sets would give."""
    sets = range_sets_of(range_sets)
    return [
        address
        for address in addresses
        if any(one.range_of(address_key(address)) is not None for one in sets)
    ]


def used_up(
    ledger: Ledger,
    network: str,
    range_sets: Sequence[Sequence[RangeLike]],
    excluded: Iterable[str] = (),
    *,
    in_order: bool = False,
    now: float | None = None,
) -> list[Usage]:
    """The range sets of which an ADD would get no address now; changes nothing."""
    now = ledger.now() if now is None else now
    found = []
    for range_set in range_sets_of(range_sets, excluded, in_order=in_order):
        if not any(_has_one(ledger, network, part) for part in range_set.parts()):
            usage = _usage(ledger, network, range_set, now)
            if usage.free <= 0:
                found.append(usage)
    return found


class _Choice:
    """One allocation under way."""

    def __init__(
        self,
        ledger: Ledger,
        key: AttachmentKey,
        *,
        wanted: Iterable[str],
        prefer: Iterable[str],
        after: Mapping[int, int],
        origin: str,
        now: float,
    ) -> None:
        self._ledger = ledger
        self._key = key
        self._after = after
        self._origin = origin
        self._now = now
        self._wanted = [address_key(address) for address in wanted]
        self._prefer = [address_key(address) for address in prefer]
        self._own = {address_key(lease.address): lease for lease in ledger.leases_of(key)}

    def one_of(self, range_set: RangeSet) -> Allocated:
        address = self._requested(range_set)
        if address is None:
            address = self._had_before(range_set)
        if address is None:
            address = self._next(range_set)
            self._keep_cursor(range_set, address)
        return self._hold(range_set, address)

    def finish(self) -> None:
        """Refuse what was wanted and not given; release what was held and not answered."""
        if self._wanted:
            left = address_text(self._wanted[0])
            raise AddressUnavailable(
                left,
                f'is in no range set of network "{self._key.network}" that has not given one already',
                "ask for one address of each range set at most, inside its ranges",
            )
        for address in self._own:
            self._ledger.free(self._key.network, address)

    def _requested(self, range_set: RangeSet) -> int | None:
        for address in self._wanted:
            if range_set.range_of(address) is not None:
                self._wanted.remove(address)
                if address not in self._own:
                    self._refuse_unless_free(range_set, address)
                    self._keep_cursor(range_set, address)
                return address
        return None

    def _keep_cursor(self, range_set: RangeSet, address: int) -> None:
        self._ledger.keep_cursor(self._key.network, range_set.part_of(address).label, address)

    def _refuse_unless_free(self, range_set: RangeSet, address: int) -> None:
        text = address_text(address)
        reason = range_set.left_out.get(address)
        if reason is not None:
            raise AddressUnavailable(text, f"is {reason}", f"ask for another address of {range_set.label}")
        lease = self._ledger.lease_at(self._key.network, address)
        if lease is None:
            return
        if lease.until is not None and lease.until <= self._now:
            self._ledger.free(self._key.network, address)
            return
        raise AddressUnavailable(
            text, holder_words(lease, self._ledger), "ask for another one, or delete its holder first"
        )

    def _had_before(self, range_set: RangeSet) -> int | None:
        """An address of this set that the attachment holds, else a free one that it is to have again."""
        network = self._key.network
        usable = [
            address
            for address in (*self._own, *self._prefer)
            if range_set.range_of(address) is not None and address not in range_set.left_out
        ]
        return next(
            (
                address
                for address in usable
                if address in self._own or self._ledger.lease_at(network, address) is None
            ),
            None,
        )

    def _next(self, range_set: RangeSet) -> int:
        for part in range_set.parts():
            address = self._next_of(part)
            if address is not None:
                return address
        raise RangeExhausted(self._key.network, _usage(self._ledger, self._key.network, range_set, self._now))

    def _next_of(self, range_set: RangeSet) -> int | None:
        ledger, network = self._ledger, self._key.network
        last_given = self._after.get(range_set.number)
        if last_given is None:
            last_given = ledger.cursor(network, range_set.label)
        if last_given is None:
            last_given = ledger.cursor(network, host_local_cursor(range_set.number))
        address = _first_unused(ledger, network, range_set, last_given)
        if address is not None:
            return address
        released = self._released(range_set)
        if not released and ledger.free_ended(network, self._now, _ALL):
            released = self._released(range_set)
        return released[0] if released else None

    def _released(self, range_set: RangeSet) -> list[int]:
        """Released addresses of the set, the longest released first.

        Some were released while the set was written differently, or by host-local: they are found by number
        when nothing else is left, once, and then belong to this set.
        """
        ledger, network = self._ledger, self._key.network
        released = _longest_released(ledger, network, range_set)
        if released:
            return released
        for one in range_set.ranges:
            ledger.relabel_released(network, one.first, one.last, range_set.label)
        return _longest_released(ledger, network, range_set)

    def _hold(self, range_set: RangeSet, address: int) -> Allocated:
        source = range_set.range_of(address)
        assert source is not None  # noqa: S101 - every way to choose an address stays inside the set
        label = range_set.part_of(address).label
        lease = plain_lease(self._key, address_text(address))._replace(
            range_set=label, prefix=source.prefix, gateway=source.gateway, origin=self._origin
        )
        held = self._own.pop(address, None)
        if held is None:
            self._ledger.hold(lease)
        else:
            self._ledger.change_lease(lease._replace(origin=held.origin))
        return Allocated(lease.address, source.prefix, source.gateway, label, was_held=held is not None)


def _has_one(ledger: Ledger, network: str, range_set: RangeSet) -> bool:
    """Whether one of `RangeSet.parts` has an address, without counting any."""
    unused = _first_unused(ledger, network, range_set, None)
    return unused is not None or bool(_longest_released(ledger, network, range_set))


def _first_unused(ledger: Ledger, network: str, range_set: RangeSet, after: int | None) -> int | None:
    """The next address behind `after` that is neither leased nor recently released: a look-up per range."""
    for span in range_set.turn(after):
        found = _first_unused_of(ledger, network, range_set, span)
        if found is not None:
            return found
    return None


def _first_unused_of(ledger: Ledger, network: str, range_set: RangeSet, span: Span) -> int | None:
    at, last = span
    # One more look-up for each address that is left out, and these are a handful.
    while (found := ledger.first_unused(network, at, last)) is not None and found in range_set.left_out:
        at = found + 1
    return found


def _longest_released(ledger: Ledger, network: str, range_set: RangeSet) -> list[int]:
    # An address may have become a gateway since it was released: look past as many as there can be.
    count = len(range_set.left_out) + 1
    released = ledger.longest_released(network, range_set.label, count)
    return [address for address in released if address not in range_set.left_out]


def _usage(ledger: Ledger, network: str, range_set: RangeSet, now: float) -> Usage:
    """Counts the set's leases: for messages, not for allocating."""
    counts = {"held": 0, "gone": 0, "reserved": 0, "quarantined": 0, "entombed": 0}
    pods: dict[str, list[str]] = {"held": [], "gone": [], "entombed": []}
    for one in range_set.ranges:
        some = ledger.some_pods(network, one.first, one.last, now, _NAMED_PODS)
        for kind in pods:
            pods[kind] = list(dict.fromkeys([*pods[kind], *some.get(kind, ())]))[:_NAMED_PODS]
        for state, number in ledger.count_leases(network, one.first, one.last, now).items():
            counts[state] += number
    for address in range_set.left_out_here():
        for state, number in ledger.count_leases(network, address, address, now).items():
            counts[state] -= number
    return Usage(range_set.number, range_set.label, range_set.size, **counts, pods=pods)
