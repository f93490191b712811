"""What goes with an endpoint when it goes: by itself, or with its network."""

from __future__ import annotations

from cni_hns.simulator.core.addresses import release
from cni_hns.simulator.core.store import State

__all__ = ["remove_endpoint"]


def remove_endpoint(state: State, guid: str, keep_ports: bool = False) -> None:
    """Take the endpoint out of its namespace and network, and free what it held."""
    state.run(
        "UPDATE networks SET endpoints_now = endpoints_now - 1 "
        "WHERE id = (SELECT network FROM endpoints WHERE id = ?)",
        guid,
    )
    state.run("DELETE FROM endpoints WHERE id = ?", guid)
    release(state, guid)
    # A port that stays reserved after its endpoint has gone was reported to kubernetes and AKS.
    if keep_ports or state.options.ports_stay_reserved:
        state.run("UPDATE ports SET endpoint = NULL, lost_by = endpoint WHERE endpoint = ?", guid)
    else:
        state.run("DELETE FROM ports WHERE endpoint = ?", guid)
