"""What an open system and an open process have in common: a handle, for the time of a `with`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from cni_hns.binding.compute import Compute, Held

__all__ = ["Opened"]


class Opened:
    """An open handle of HCS, closed at the end of a `with`."""

    def __init__(self, compute: Compute, held: Held) -> None:
        self._compute = compute
        self._held = held

    def close(self) -> None:
        """Give the handle back. A second time does nothing."""
        self._compute.close(self._held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
