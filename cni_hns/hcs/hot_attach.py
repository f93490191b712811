"""Putting an endpoint into a container that runs, and taking it out again: Docker's way, before namespaces.

Rule: a compute system is opened, asked and closed at once. Whoever keeps one open keeps it alive.
Source: hcsshim's HotAttachEndpoint and HotDetachEndpoint, as Docker and win-bridge use them.
"""

from __future__ import annotations

from cni_hns.binding.errors import ServiceError
from cni_hns.binding.service import COMPUTE_SYSTEM
from cni_hns.binding.texts import json_text
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.binding.service import Handle, Service

__all__ = ["HotAttach"]


class HotAttach:
    """The containers of one node as far as their endpoints go. Failing calls are ServiceErrors."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def see(self, container: str) -> None:
        """Nothing, if the container runs. Raises: SystemNotFound if HCS says that there is none."""
        self._close(self._service.open(COMPUTE_SYSTEM, container))

    def add(self, container: str, endpoint_id: str) -> None:
        """Put the endpoint into the container. Raises: SystemNotFound."""
        self._modify(container, endpoint_id, "Add")

    def remove(self, container: str, endpoint_id: str) -> None:
        """Take the endpoint out of the container. Raises: SystemNotFound."""
        self._modify(container, endpoint_id, "Remove")

    def _modify(self, container: str, endpoint_id: str, change: str) -> None:
        request = {"ResourceType": "Network", "Settings": endpoint_id, "RequestType": change}
        handle = self._service.open(COMPUTE_SYSTEM, container)
        try:
            self._service.modify(handle, json_text(request), f"{change} endpoint {endpoint_id}")
        finally:
            self._close(handle)

    def _close(self, handle: Handle) -> None:
        # What was done with the handle is done: losing it afterwards changes no answer.
        try:
            self._service.close(handle)
        except ServiceError as fault:
            self._service.warn(f"a handle was not closed: {fault}")
