"""The place of today's runtimes: an HCN namespace, which they make and name by its GUID in CNI_NETNS."""

from __future__ import annotations

from cni_hns.attachment.endpoints import look_at
from cni_hns.binding.errors import NotFound
from cni_hns.cni.errors import HNS_REFUSED, CniError
from cni_hns.hcn.documents import add_endpoint, remove_endpoint
from cni_hns.hcn.views import EndpointView, NamespaceView
from cni_hns.typed import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

    from cni_hns.attachment.attachment import Attachment
    from cni_hns.hcn.client import Endpoints, Opened
    from cni_hns.node.node import Node

__all__ = ["Namespace"]

# The only code by which HNS says that it has no such namespace.
_ELEMENT_NOT_FOUND = 0x80070490


class Namespace:
    """An HCN namespace."""

    is_shared = False

    def __init__(self, namespace_id: str) -> None:
        self.namespace_id: str | None = namespace_id
        self.v1_netns: str | None = None
        self._id = namespace_id
        self.words = f"namespace {namespace_id}"

    def adopt(self, _attachment: Attachment) -> None:
        """The namespace itself says whether it has one, once it is open."""

    def shared_endpoint(self, _attachment: Attachment) -> None:
        """In a namespace each attachment has an endpoint of its own."""

    def opened(self, attachment: Attachment) -> OpenedNamespace:
        try:
            return OpenedNamespace(self, attachment.node.hcn.namespaces.open(self._id))
        except NotFound as fault:
            raise CniError(
                HNS_REFUSED,
                f"HCN namespace {self._id} of CNI_NETNS does not exist: {fault}",
                "the runtime must create it before ADD (by hand: `cni-hns namespace create`)",
            ) from fault

    def family(self, node: Node) -> Endpoints:
        return node.hcn.endpoints

    def document(self, wanted: dict[str, Any], _node: Node) -> dict[str, Any]:
        return wanted

    def holds(self, view: EndpointView) -> bool:
        return view.namespace == self._id

    def put_back(self, node: Node, view: EndpointView) -> None:
        with node.hcn.namespaces.open(self._id) as namespace:
            namespace.modify(add_endpoint(view.id))

    def take_out(self, node: Node, endpoint_id: str) -> None:
        try:
            with node.hcn.namespaces.open(self._id) as namespace:
                namespace.modify(remove_endpoint(endpoint_id))
        except NotFound:
            return

    def missing(self, node: Node, endpoint_id: str | None) -> str | None:
        try:
            node.hcn.namespaces.open(self._id).close()
            return None
        except NotFound as fault:
            if fault.hresult != _ELEMENT_NOT_FOUND:
                raise
        view = look_at(node, endpoint_id, self) if endpoint_id else None
        if view is None:
            return f"{self.words} and the endpoint do not exist"
        if view.namespace is None:
            return f"{self.words} does not exist, and endpoint {view.id} is in none"
        return None

    def differences(self, node: Node, view: EndpointView) -> list[str]:
        """The other side: the namespace must list the endpoint as well."""
        try:
            with node.hcn.namespaces.open(self._id) as opened:
                namespace = NamespaceView.of(opened.query())
        except NotFound:
            return [f"{self.words} does not exist"]
        if view.id not in namespace.endpoints:
            return [f"{self.words} does not list endpoint {view.id}"]
        return []


class OpenedNamespace:
    """An HCN namespace that is open."""

    def __init__(self, place: Namespace, opened: Opened) -> None:
        self._place = place
        self._opened = opened

    def existing(self) -> None:
        """It is always to be made."""

    def adopted(self, attachment: Attachment) -> bool:
        """A pod that is new has an empty namespace: one query, and no search among all endpoints."""
        if attachment.row() is not None:
            return False
        there = NamespaceView.of(self._opened.query()).endpoints
        if not there:
            return False
        from cni_hns.attachment.adoption import adopt

        return adopt(attachment, self._place, among=there)

    def put(self, endpoint_id: str) -> None:
        self._opened.modify(add_endpoint(endpoint_id))

    def has(self, view: EndpointView) -> bool:
        return view.namespace == self._opened.id

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)
