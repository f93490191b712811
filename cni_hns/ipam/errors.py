"""Why no address was given: nothing is held for the attachment after any of these."""

from __future__ import annotations

from types import MappingProxyType

from cni_hns.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["AddressUnavailable", "RangeExhausted", "Usage"]


class Usage(NamedTuple):
    """How the addresses of one range set are used. `usable` counts what the set can give at all.

    `held` by pods; `gone`: of pods that were not there when it was last looked; `reserved` for somebody who
    is no pod of this plugin's; the others are set aside for some minutes. `pods`: the Kubernetes names of a
    few of the first two, and of deleted ones, by these words.
    """

    number: int
    ranges: str
    usable: int
    held: int
    gone: int
    reserved: int
    quarantined: int
    entombed: int
    pods: Mapping[str, Sequence[str]] = MappingProxyType({})

    @property
    def free(self) -> int:
        return self.usable - self.held - self.gone - self.reserved - self.quarantined - self.entombed

    def words(self) -> str:
        groups = [
            (self.held, "held", "held by running pods"),
            (self.gone, "gone", "of pods that are gone"),
            (self.quarantined, "quarantined", "set aside after HNS refused them"),
            (self.entombed, "entombed", "set aside for deleted attachments"),
            (self.reserved, "reserved", "reserved"),
        ]
        shown = [
            f"{count} {what}{self._such_as(kind, count)}"
            for count, kind, what in groups
            if count or kind == "held"
        ]
        return f"{self.usable} usable, {', '.join(shown)}"

    def _such_as(self, kind: str, count: int) -> str:
        """Some of the pods, where their names are known."""
        names = self.pods.get(kind, ())
        rest = count - len(names)
        listed = ", ".join(names) + (f" and {rest} more" if rest > 0 else "")
        return f" ({listed})" if names else ""

    def next_step(self) -> str:
        """What gives addresses back, the likeliest first."""
        steps = ["`cni-hns gc` takes away what pods left that are gone"] if self.gone else []
        steps.append("`cni-hns ipam list --all` names each holder")
        if self.reserved:
            steps.append("`cni-hns ipam release` ends a reservation")
        return ", ".join([*steps, "or delete pods, or widen the range"])


class RangeExhausted(Exception):
    """A range set has no free address left; `usage` says where they are."""

    def __init__(self, network: str, usage: Usage, words: str = "") -> None:
        super().__init__(
            words
            or f'range set {usage.number} of network "{network}" ({usage.ranges}) has no free address: '
            f"{usage.words()}; {usage.next_step()}"
        )
        self.usage = usage


class AddressUnavailable(Exception):
    """A requested address cannot be given; `str()` says why, and what to ask for instead."""

    def __init__(self, address: str, why: str, next_step: str) -> None:
        super().__init__(f"the requested address {address} {why}; {next_step}")
        self.address = address
