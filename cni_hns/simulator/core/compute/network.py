"""How a container gets its network: a namespace of HNS, another container's network, or endpoints by ID.

https://learn.microsoft.com/virtualization/api/hcs/SchemaReference#Networking
"""

from __future__ import annotations

from cni_hns.simulator.core import containers, endpoint_changes
from cni_hns.simulator.core.compute import systems
from cni_hns.simulator.core.compute.reading import text_of, texts_of
from cni_hns.simulator.core.compute.systems import System
from cni_hns.simulator.core.documents import guid_of
from cni_hns.simulator.core.errors import HCS_SYSTEM_NOT_FOUND, Refused
from cni_hns.simulator.core.store import State

__all__ = ["join"]


def join(state: State, system: System) -> None:
    """A container gets its compartment and endpoints; one that names neither takes endpoints by hand.

    Who shares the network of a container in a namespace is in the namespace too; of one without, it gets the
    endpoints that this one has now. A namespace that is named prevails over what is named beside it.

    Raises:
        Refused: 0x80070490, no such namespace; 0x803B002E, an endpoint of it cannot be attached; 0x8037010E,
        the container whose network it shares does not run; 0x803B0002 and 0x803B0014, an endpoint that it
        names is not there, or is used otherwise.
    """
    if system.type != systems.CONTAINER:
        return
    other = text_of(system.networking, "NetworkSharedContainerName")
    namespace = text_of(system.networking, "Namespace").strip("{}").lower()
    if not namespace and other:
        namespace = _namespace_of(state, other)
    if namespace:
        containers.start(state, namespace, system.id)
    else:
        containers.run(state, system.id)
        named = [guid_of(one) for one in texts_of(system.networking, "NetworkAdapters")]
        shared = containers.endpoints_by_hand(state, other) if other else []
        for endpoint in dict.fromkeys([*shared, *named]):
            endpoint_changes.share(state, endpoint, system.id)
    systems.change(state, system, joined=1)


def _namespace_of(state: State, other: str) -> str:
    found = containers.place_of(state, other)
    if found is None:
        raise Refused(HCS_SYSTEM_NOT_FOUND, f"{other}, whose network is shared, does not run")
    return found
