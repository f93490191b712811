"""win-overlay of containernetworking/plugins: joins an overlay HCN network that is there already.

Source: https://www.cni.dev/plugins/current/main/win-overlay/
"""

from __future__ import annotations

from .foreign import Translation
from .win_bridge import joined

__all__ = ["translate"]

_DEFAULT_MAC_PREFIX = "0E-2A"


def translate(source: Translation) -> None:
    """Fill in the native document. Port mappings, which the peer drops, are applied."""
    source.accepts = ["Overlay"]
    source.document["gatewayFrom"] = "network"
    joined(source, "overlay", "the HCN network's gateway is used, as with win-overlay")
    source.document["macPrefix"] = source.get("endpointmacprefix", _DEFAULT_MAC_PREFIX)
    source.places["macPrefix"] = source.place("endpointmacprefix")
    if source.flag(source.place("ipmasq"), source.get("ipmasq")):
        source.document["outboundNat"] = {"exceptNetwork": True}
    if source.get("ipmasqnetwork") is not None:
        source.remark("ipMasqNetwork: win-overlay excepts the HCN network's own subnets, and so do we")
