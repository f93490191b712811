"""HCN namespaces for the containers of a conformance run."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from cni_hns.binding.errors import NotFound, ServiceError
from cni_hns.conformance import NamespaceFault, WithoutInterfaces

if TYPE_CHECKING:
    from cni_hns.hcn.client import Hcn

__all__ = ["HcnNamespaces"]

# As containerd asks for one.
_NEW = {"SchemaVersion": {"Major": 2, "Minor": 0}}


class HcnNamespaces(WithoutInterfaces):
    """Made in this node's HNS, real or simulated, as a runtime makes them; CNI_NETNS is the GUID."""

    removable = True

    def __init__(self, hcn: Hcn) -> None:
        self._hcn = hcn

    def make(self, name: str) -> str:
        try:
            with self._hcn.namespaces.create(_NEW) as created:
                created.query()
                return created.id
        except ServiceError as fault:
            raise NamespaceFault(f"no HCN namespace for {name}: {fault}") from fault

    def remove(self, netns: str) -> None:
        try:
            self._hcn.namespaces.delete(netns)
        except NotFound:
            return
        except ServiceError as fault:
            raise NamespaceFault(str(fault)) from fault

    def missing(self) -> str:
        return str(uuid.uuid4())
