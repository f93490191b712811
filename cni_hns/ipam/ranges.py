"""Range sets as arithmetic: which addresses one has, which it never gives, and in what order they come.

Rule 1: no store in sight, and no loop over addresses: a range is two numbers.
Rule 2: addresses are the numbers of `ledger.addresses`, so both families are handled alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, ip_network

from cni_hns.ledger.addresses import address_key, address_text
from cni_hns.typed import NamedTuple, Protocol

__all__ = ["Range", "RangeLike", "RangeSet", "Span", "range_sets_of"]

# First and last address, both included.
Span = tuple[int, int]


class RangeLike(Protocol):
    """A range as a plan has it: texts, already validated. `gateway` is None where the range has none."""

    @property
    def subnet(self) -> str: ...
    @property
    def first(self) -> str: ...
    @property
    def last(self) -> str: ...
    @property
    def gateway(self) -> str | None: ...


class Range(NamedTuple):
    """The addresses from `first` to `last`; the pod gets them with the subnet's prefix length."""

    first: int
    last: int
    subnet: str
    prefix: int
    gateway: str | None

    @property
    def label(self) -> str:
        return f"{address_text(self.first)}-{address_text(self.last)}"


class RangeSet(NamedTuple):
    """Ranges of one family that together give one address per attachment, and the addresses no pod gets.

    `left_out` maps each such address to the reason, in words. `number` counts the sets of one configuration.
    `in_order`: the ranges are filled one after another, so that the last ones empty again.
    """

    number: int
    ranges: tuple[Range, ...]
    left_out: dict[int, str]
    in_order: bool = False

    @property
    def label(self) -> str:
        """The set's name in the ledger: a changed set is another set."""
        return ",".join(one.label for one in self.ranges)

    @property
    def size(self) -> int:
        """How many addresses the set can give."""
        return sum(one.last - one.first + 1 for one in self.ranges) - len(self.left_out_here())

    def left_out_here(self) -> list[int]:
        return [address for address in self.left_out if self.range_of(address) is not None]

    def range_of(self, address: int) -> Range | None:
        """The range that the address lies in, None where it lies in none of the set."""
        return next((one for one in self.ranges if one.first <= address <= one.last), None)

    def parts(self) -> list[RangeSet]:
        """The sets that are tried in turn for an address: this one, or each of its ranges by itself."""
        if not self.in_order:
            return [self]
        return [self._replace(ranges=(one,), in_order=False) for one in self.ranges]

    def part_of(self, address: int) -> RangeSet:
        """The one of `parts` that the address lies in. Raises: StopIteration: it lies in none of the set."""
        return next(part for part in self.parts() if part.range_of(address) is not None)

    def turn(self, after: int | None) -> list[Span]:
        """One full turn through the set, as spans: up from behind `after`, round, and `after` itself last.

        Without `after`, or where it is none of the set's addresses, the turn begins at the first range.
        """
        start = None if after is None else self.range_of(after)
        if start is None or after is None:
            return [(one.first, one.last) for one in self.ranges]
        at = self.ranges.index(start)
        others = [(one.first, one.last) for one in self.ranges[at + 1 :] + self.ranges[:at]]
        return [(after + 1, start.last), *others, (start.first, after)]


def range_sets_of(
    range_sets: Sequence[Sequence[RangeLike]], excluded: Iterable[str] = (), *, in_order: bool = False
) -> list[RangeSet]:
    """The sets in order. No pod gets a network or broadcast address, a gateway of any set, or `excluded`.

    Raises:
        ValueError: a text is no address or no subnet.
    """
    reserved = {address_key(address): "reserved on this node" for address in excluded}
    for one in (one for range_set in range_sets for one in range_set):
        reserved |= _left_out(one)
    return [
        RangeSet(number, tuple(_range(one) for one in range_set), reserved, in_order)
        for number, range_set in enumerate(range_sets)
    ]


def _range(one: RangeLike) -> Range:
    prefix = ip_network(one.subnet).prefixlen
    return Range(address_key(one.first), address_key(one.last), one.subnet, prefix, one.gateway)


def _left_out(one: RangeLike) -> dict[int, str]:
    """A range may be written so that it includes them; giving them away would break the subnet still."""
    subnet = ip_network(one.subnet)
    found = {address_key(str(subnet.network_address)): f"the network address of {subnet}"}
    if isinstance(subnet, IPv4Network):
        found[address_key(str(subnet.broadcast_address))] = f"the broadcast address of {subnet}"
    if one.gateway is not None:
        found[address_key(one.gateway)] = f"the gateway of {subnet}"
    return found
