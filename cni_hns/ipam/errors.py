"""Why no address was given: nothing is held for the attachment after any of these."""

from __future__ import annotations

from cni_hns.typed import NamedTuple

__all__ = ["AddressUnavailable", "RangeExhausted", "Usage"]


class Usage(NamedTuple):
    """How the addresses of one range set are used. `usable` counts what the set can give at all."""

    number: int
    ranges: str
    usable: int
    held: int
    quarantined: int
    entombed: int

    @property
    def free(self) -> int:
        return self.usable - self.held - self.quarantined - self.entombed

    def words(self) -> str:
        return (
            f"{self.usable} usable, {self.held} held, {self.quarantined} quarantined after HNS refused them, "
            f"{self.entombed} set aside for deleted attachments"
        )


class RangeExhausted(Exception):
    """A range set has no free address left; `usage` says where they are."""

    def __init__(self, network: str, usage: Usage) -> None:
        super().__init__(
            f'range set {usage.number} of network "{network}" ({usage.ranges}) has no free address: '
            f"{usage.words()}; delete pods, widen the range, or look with `cni-hns ipam list --all` for "
            "containers that are gone"
        )
        self.usage = usage


class AddressUnavailable(Exception):
    """A requested address cannot be given; `str()` says why, and what to ask for instead."""

    def __init__(self, address: str, why: str, next_step: str) -> None:
        super().__init__(f"the requested address {address} {why}; {next_step}")
        self.address = address
