"""What is taken from the runtime's messages.

The numbers of the fields: https://github.com/kubernetes/cri-api, pkg/apis/runtime/v1/api.proto.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from cni_hns.cri.faults import CriFault

if TYPE_CHECKING:
    from cni_hns.cri.wire import Message

__all__ = ["Container", "Sandbox", "addresses_in"]

_READY = 0
_CONTAINER_STATES = {0: "Created", 1: "Running", 2: "Exited"}


class Container(NamedTuple):
    """A container of a pod; `id` is that of its compute system too. `state` is one word."""

    id: str
    sandbox: str
    name: str
    attempt: int
    state: str

    @classmethod
    def of(cls, listed: Message) -> Container:
        """One item of ListContainersResponse."""
        about = listed.message(3)
        state = _CONTAINER_STATES.get(listed.number(6), "Unknown")
        return cls(listed.text(1), listed.text(2), about.text(1), about.number(2), state)


class Sandbox(NamedTuple):
    """A pod's sandbox; `id` is the container id of its attachments too.

    `attempt` counts the sandboxes that the pod had before this one. `addresses` is empty for a pod in the
    network of the host, and for one that has ended.
    """

    id: str
    name: str
    namespace: str
    uid: str
    attempt: int
    is_ready: bool
    addresses: tuple[str, ...] = ()
    containers: tuple[Container, ...] = ()

    @classmethod
    def of(cls, listed: Message) -> Sandbox:
        """One item of ListPodSandboxResponse, which tells no addresses and no containers."""
        about = listed.message(2)
        return cls(
            id=listed.text(1),
            name=about.text(1),
            namespace=about.text(3),
            uid=about.text(2),
            attempt=about.number(4),
            is_ready=listed.number(3) == _READY,
        )

    @property
    def state(self) -> str:
        """ "Ready" or "NotReady"."""
        return "Ready" if self.is_ready else "NotReady"

    @property
    def full_name(self) -> str:
        """As kubectl takes it apart: "namespace/name"."""
        return f"{self.namespace}/{self.name}"


def addresses_in(status: Message) -> tuple[str, ...]:
    """The pod's, in a PodSandboxStatusResponse: the main one first.

    Raises: CriFault: one of them is no IP address.
    """
    network = status.message(1).message(5)
    found = [network.text(1), *(one.text(1) for one in network.messages(2))]
    try:
        return tuple(str(ip_address(one)) for one in found if one)
    except ValueError as fault:
        raise CriFault(f"a pod's address: {fault}") from fault
