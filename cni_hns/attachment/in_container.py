"""The place of Docker-style runtimes: a container that runs. HNS V1 makes the endpoint, HCS puts it in.

The pod's sandbox container (CNI_NETNS `none`) has an endpoint of its own. Its other containers
(`container:<id>`) share that one: their ADD attaches, their DEL detaches, and neither makes nor ends it.

Rule: after a refusal it is asked whether the container has the endpoint: what is as it should be is no
failure, whoever did it.
"""

from __future__ import annotations

from cni_hns.attachment.adoption import adopt
from cni_hns.attachment.endpoints import look_at
from cni_hns.attachment.peers import find_unknown
from cni_hns.binding.errors import NotFound, ServiceError, SystemNotFound
from cni_hns.cni.errors import HNS_REFUSED, INVALID_CONFIG, CniError
from cni_hns.hcn.views import EndpointView
from cni_hns.hns.documents import as_v1, as_v2
from cni_hns.hns.endpoints import V1Endpoints
from cni_hns.identity import shared_with
from cni_hns.ledger import AttachmentKey
from cni_hns.typed import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

    from cni_hns.attachment.attachment import Attachment
    from cni_hns.node.node import Node

__all__ = ["Container"]


class Container:
    """A container, with an endpoint of its own or with another's."""

    def __init__(self, container_id: str, v1_netns: str) -> None:
        self.namespace_id: str | None = None
        self.v1_netns: str | None = v1_netns
        self.words = f"container {container_id}"
        self._id = container_id
        self._sandbox = shared_with(v1_netns)

    @property
    def is_shared(self) -> bool:
        return self._sandbox is not None

    def adopt(self, attachment: Attachment) -> None:
        if not self.is_shared:
            adopt(attachment, self)

    def shared_endpoint(self, attachment: Attachment) -> str | None:
        """By the other container's row, else by the ID that its endpoint would have, else by name."""
        if self._sandbox is None:
            return None
        key = attachment.key
        owner = attachment.other(AttachmentKey(key.network, self._sandbox, key.ifname))
        row = owner.row()
        if row is not None and row.phase == "ready" and not row.is_shared:
            return row.endpoint_id
        view = find_unknown(owner)
        return None if view is None else view.id

    def opened(self, attachment: Attachment) -> FoundContainer:
        if self._sandbox is not None:
            return FoundContainer(self, attachment.node, self._existing(attachment))
        try:
            attachment.node.hot_attach.see(self._id)
        except SystemNotFound as fault:
            raise CniError(
                HNS_REFUSED,
                f"container {self._id} does not run: {fault}",
                "with CNI_NETNS none the runtime must start the container before ADD",
            ) from fault
        return FoundContainer(self, attachment.node, None)

    def _existing(self, attachment: Attachment) -> str:
        found = self.shared_endpoint(attachment)
        if found is None:
            raise CniError(
                HNS_REFUSED,
                f"container {self._sandbox} of CNI_NETNS has no endpoint on network "
                f'"{attachment.key.network}" that {self.words} could share',
                "the ADD of that container, with CNI_NETNS none, comes first",
            )
        return found

    def family(self, node: Node) -> V1Endpoints:
        return V1Endpoints(node.hns)

    def document(self, wanted: dict[str, Any], node: Node) -> dict[str, Any]:
        v1, lacking, unknown = as_v1(wanted)
        if unknown:
            raise CniError(
                INVALID_CONFIG,
                f"HNS V1 has no policy {', '.join(dict.fromkeys(unknown))}",
                "take it out of the configuration, or use a runtime that makes HCN namespaces",
            )
        if lacking:
            node.log.event(f"HNS V1 cannot say, and the endpoint goes without: {', '.join(lacking)}")
        return {name: value for name, value in as_v2(v1).items() if value}

    def holds(self, view: EndpointView) -> bool:
        return any(self._id.lower() in one.lower() for one in view.containers)

    def put(self, node: Node, endpoint_id: str) -> None:
        """Into the container, if it has not got it. Raises: ServiceError."""
        try:
            node.hot_attach.add(self._id, endpoint_id)
        except ServiceError:
            if self._has(node, endpoint_id) is not True:
                raise

    def put_back(self, node: Node, view: EndpointView) -> None:
        try:
            self.put(node, view.id)
        except SystemNotFound as fault:
            # Runtimes ask for the result of a container that has ended; the peers answer it too.
            node.log.event(f"endpoint {view.id} is not put back into {self.words}: {fault}", "warning")

    def take_out(self, node: Node, endpoint_id: str) -> None:
        endpoints = self.family(node)
        if not endpoints.has(endpoint_id, self._id):
            return
        try:
            if self.is_shared:
                endpoints.detach(endpoint_id, self._id)
            else:
                node.hot_attach.remove(self._id, endpoint_id)
        except (NotFound, SystemNotFound):
            return  # whoever has ended has let go
        except ServiceError:
            if self._has(node, endpoint_id) is not False:
                raise

    def _has(self, node: Node, endpoint_id: str) -> bool | None:
        """Whether the container has the endpoint; None where HNS could not say."""
        try:
            return self.family(node).has(endpoint_id, self._id)
        except ServiceError:
            return None

    def missing(self, node: Node, endpoint_id: str | None) -> str | None:
        try:
            node.hot_attach.see(self._id)
            return None
        except SystemNotFound:
            pass
        view = look_at(node, endpoint_id, self) if endpoint_id else None
        if view is None:
            return f"{self.words} and the endpoint do not exist"
        # The other containers of a pod whose sandbox has ended still live on its endpoint.
        if self.holds(view) if self.is_shared else view.containers:
            return None
        return f"{self.words} does not exist, and has not got endpoint {view.id}"

    def differences(self, _node: Node, _view: EndpointView) -> list[str]:
        """There is no other side: HNS alone keeps who has the endpoint."""
        return []


class FoundContainer:
    """A container that was found, and the endpoint that it is to share, if it is to share one."""

    def __init__(self, container: Container, node: Node, existing: str | None) -> None:
        self._container = container
        self._node = node
        self._existing = existing
        self._may_be_out = False

    def existing(self) -> str | None:
        return self._existing

    def adopted(self, _attachment: Attachment) -> bool:
        """That was done before the container was looked for: the peers answer for one that has ended too."""
        return False

    def put(self, endpoint_id: str) -> None:
        """A container of a pod may have ended before its ADD: the peers answer with the endpoint as it is."""
        try:
            self._container.put(self._node, endpoint_id)
        except SystemNotFound as fault:
            if self._existing is None:
                raise
            self._may_be_out = True
            words = self._container.words
            self._node.log.event(f"endpoint {endpoint_id} is not put into {words}: {fault}", "warning")

    def has(self, view: EndpointView) -> bool:
        return self._may_be_out or self._container.holds(view)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open: a compute system that is kept open is kept alive."""
