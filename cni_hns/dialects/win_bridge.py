"""win-bridge of containernetworking/plugins: joins an l2bridge (or l2tunnel) HCN network that is there.

Source: https://www.cni.dev/plugins/current/main/win-bridge/
"""

from __future__ import annotations

from .foreign import Translation, empty
from .host_bits import masked
from .policy_lists import PolicyLists, read_policies

__all__ = ["joined", "translate"]

# The value of apiVersion that stands for HCN; 1, the default, is HNS V1.
_HCN = 2

# HcnPolicyArgs is that of versions 0.8 and 0.9.
_POLICIES = PolicyLists(
    named=("policies",),
    bare=("hcnpolicyargs",),
    levels=("EndpointPolicy",),
    any_case=True,
    drops_undecodable=True,
)


def translate(source: Translation) -> None:
    """Fill in the native document.

    The peer's gateway is the third address of the subnet, whatever IPAM says: host-gateway set-ups keep the
    host's own endpoint there. Unlike the peer we never give that address to a pod.
    """
    source.accepts = ["L2Bridge", "L2Tunnel"]
    source.say_unread("endpointmacprefix")
    source.document["gatewayFrom"] = "bridge"
    joined(source, "l2bridge", "the subnet's third address is the gateway, as with win-bridge")
    masqueraded = source.get("ipmasqnetwork")
    if masqueraded is not None:
        place = source.place("ipmasqnetwork")
        exception = masked(masqueraded, lambda text: source.remark(f"{place}: {text}"))
        source.document["outboundNat"] = {"exceptions": [exception]}
        source.places["outboundNat.exceptions[0]"] = place
    elif source.get("ipmasq") is True:
        source.remark("ipMasq: without ipMasqNetwork it has no effect with win-bridge, nor here")


def joined(source: Translation, mode: str, instead: str) -> None:
    """What win-bridge and win-overlay share. `instead` says where the gateway comes from."""
    source.document["network"] = {"mode": mode}
    source.say_unread("optionalflags", "additionalroutes")
    ipam = source.ipam()
    source.first_of_each_family(ipam)
    source.set_gateways_aside(ipam, instead)
    source.document["ipam"] = ipam
    if not empty(source.members("ipam").get("routes")):
        place = source.inner_place("ipam", "routes")
        source.remark(f"{place}: not used: {instead}, and a pod has no other route")
    read_policies(source, _POLICIES)
    source.document["loopbackDSR"] = source.flag(source.place("loopbackdsr"), source.get("loopbackdsr"))
    source.places["loopbackDSR"] = source.place("loopbackdsr")
    source.dsr_if_possible = True
    if source.get("apiversion") != _HCN:
        source.hns_v1 = True
        source.remark(
            "apiVersion is not 2: HNS V1 is used where CNI_NETNS is none or container:<id>; the GUID of a "
            "namespace, as containerd passes it, can only mean HCN, and gets it"
        )
