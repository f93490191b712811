"""Whose an endpoint is: what the checks say of pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.doctor.picture import name_of
from cni_hns.hcn.views import REMOTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cni_hns.doctor.picture import Picture
    from cni_hns.hcn.views import EndpointView

__all__ = ["Owners", "quoted", "some"]

_SHOWN = 5
_OF_THE_HOST = "hostdefault"


class Owners:
    """The endpoints of pods, and which pod has each."""

    def __init__(self, picture: Picture) -> None:
        self._names = {one.id: name_of(pod) for pod in picture.pods for one in pod.endpoints}
        self._lookup = picture.lookup

    def name(self, endpoint: EndpointView) -> str:
        """Its pod's name; the endpoint's ID where no pod has it."""
        return self._names.get(endpoint.id, endpoint.id)

    def names(self, endpoints: Iterable[EndpointView]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(self.name, endpoints)))

    def of_pods(self, network: str) -> Iterator[EndpointView]:
        """The endpoints of this HCN network that pods of this node use."""
        for one in self._lookup.endpoints.values():
            if one.network == network and self.is_of_a_pod(one):
                yield one

    def is_of_a_pod(self, endpoint: EndpointView) -> bool:
        room = self._lookup.rooms.get(endpoint.namespace or "")
        is_hosts = room is not None and room.type.lower() == _OF_THE_HOST
        return endpoint.is_in_use and not endpoint.flags & REMOTE and not is_hosts


def some(texts: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    listed = list(dict.fromkeys(texts))
    more = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def quoted(name: str) -> str:
    """An object's name as all messages write it."""
    return f'"{name}"'
