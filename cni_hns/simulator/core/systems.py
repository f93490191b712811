"""As much of the old Host Compute System API as attaching an endpoint by hand needs.

Docker's way: HNS makes the endpoint, HCS puts it into a container that runs already. hcsshim opens the
container and modifies it (`HotAttachEndpoint`). The rest of that DLL is `compute/old_functions`.
"""

from __future__ import annotations

from cni_hns.simulator.core import endpoint_changes
from cni_hns.simulator.core.documents import folded, guid_of, parse, text_member
from cni_hns.simulator.core.errors import E_NOTIMPL, SYSTEM_NOT_FOUND, Refused
from cni_hns.simulator.core.store import State

__all__ = ["modify", "opened"]


def opened(state: State, system: str) -> str:
    """The id of a running container.

    Raises:
        Refused: 0xC037010E, there is none.
    """
    if not _runs(state, system):
        raise Refused(SYSTEM_NOT_FOUND, f"no compute system {system}")
    return system


def modify(state: State, system: str, text: str | None) -> None:
    """Put an endpoint into the container, or take it out.

    Raises:
        Refused: the code of the option `ended_system_hresult`, the container has ended since it was opened;
        E_NOTIMPL, for anything but endpoints.
    """
    if not _runs(state, system):
        raise Refused(state.options.ended_system_hresult, f"compute system {system} has ended")
    read = folded(parse(text), ("ResourceType", "RequestType", "Settings"))
    kind = text_member(read, "RequestType", "Add").lower()
    changes = {"add": endpoint_changes.share, "remove": endpoint_changes.unshare}
    if text_member(read, "ResourceType").lower() != "network" or kind not in changes:
        raise Refused(E_NOTIMPL, "endpoints can be added and removed, nothing else")
    changes[kind](state, guid_of(read["Settings"]), system)


def _runs(state: State, system: str) -> bool:
    return state.row("SELECT 1 FROM containers WHERE container = ?", system) is not None
