"""win-bridge of containernetworking/plugins: joins an l2bridge (or l2tunnel) HCN network that is there.

Source: https://www.cni.dev/plugins/current/main/win-bridge/
"""

from __future__ import annotations

from .foreign import DEFAULT_ROUTES, Translation

__all__ = ["joined", "translate"]

# The value of apiVersion that stands for HCN; 1, the default, is HNS V1.
_HCN = 2


def translate(source: Translation) -> None:
    """Fill in the native document.

    The peer's gateway is the third address of the subnet, whatever IPAM says: host-gateway set-ups keep the
    host's own endpoint there. Unlike the peer we never give that address to a pod.
    """
    source.accepts = ["L2Bridge", "L2Tunnel"]
    source.document["gatewayFrom"] = "bridge"
    joined(source, "l2bridge", "the subnet's third address is the gateway, as with win-bridge")
    masqueraded = source.get("ipmasqnetwork")
    if masqueraded is not None:
        source.document["outboundNat"] = {"exceptions": [masqueraded]}
        source.places["outboundNat.exceptions[0]"] = source.place("ipmasqnetwork")
    elif source.get("ipmasq") is True:
        source.remark("ipMasq: without ipMasqNetwork it has no effect with win-bridge, nor here")


def joined(source: Translation, mode: str, instead: str) -> None:
    """What win-bridge and win-overlay share. `instead` says where the gateway comes from."""
    source.document["network"] = {"mode": mode}
    ipam = source.ipam()
    source.set_gateways_aside(ipam, instead)
    source.document["ipam"] = ipam
    source.set_routes(_kept(source, instead))
    source.policies(network_policies=False)
    source.document["loopbackDSR"] = source.flag(source.place("loopbackdsr"), source.get("loopbackdsr"))
    if source.get("apiversion") != _HCN:
        source.hns_v1 = True
        source.remark(
            "apiVersion is not 2: HNS V1 is used where CNI_NETNS is none or container:<id>; the GUID of a "
            "namespace, as containerd passes it, can only mean HCN, and gets it"
        )


def _kept(source: Translation, instead: str) -> list[tuple[str, str | None]]:
    """IPAM's routes but the default one, whose next hop these peers take from elsewhere."""
    routes = source.routes()
    if any(hop for destination, hop in routes if destination in DEFAULT_ROUTES.values()):
        source.remark(f"{source.place('ipam')}.routes: the default route's next hop is not used; {instead}")
    return [(destination, hop) for destination, hop in routes if destination not in DEFAULT_ROUTES.values()]
