"""The HCN network that a verb works on, once it is found or made."""

from __future__ import annotations

from cni_hns.typed import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from types import TracebackType

    from cni_hns.hcn.client import Opened
    from cni_hns.hcn.views import NetworkView

__all__ = ["ResolvedNetwork"]


class ResolvedNetwork(NamedTuple):
    """An open HCN network with what HNS says of it; closed at the end of a `with`."""

    opened: Opened
    view: NetworkView
    remembered: bool

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.opened.__exit__(kind, error, trace)
