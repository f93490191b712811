"""A way to another node's pods, and what was done to have all that are wanted."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Changes", "Refusal", "Route"]


class Route(NamedTuple):
    """Pods of `prefix` are on the node whose address is `provider`.

    On overlay with its VNI and the MAC (of its distributed router, or vxlan device) that it listens to; on
    the host's table both are empty.
    """

    prefix: str
    provider: str
    vsid: int = 0
    mac: str = ""


class Refusal(NamedTuple):
    """A route that could not be added or removed, and why, in words with the next step."""

    route: Route
    why: str


class Changes(NamedTuple):
    """What one run did. A route whose node moved is in `removed` (as it was) and in `added` (as it is).

    `refused`: what is still to be done, by the next run. `foreign`: wanted, and left alone: somebody else has
    a route of this prefix to another node.
    """

    added: list[Route]
    removed: list[Route]
    refused: list[Refusal]
    foreign: list[Refusal]

    @property
    def any(self) -> bool:
        """Whether anything is different now."""
        return bool(self.added or self.removed)
