"""What must not pass from an IPAM plugin's words into ours: values that it got and we know nothing of."""

from __future__ import annotations

from cni_hns.cni.arguments import argument_faults, is_of_the_pod
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.cni.request import Request

__all__ = ["OPEN", "secrets_of"]

# Members of a configuration, in lower case, whose values may be shown: ours, the peers' and CNI's own.
OPEN = frozenset(
    [
        *("cniversion", "name", "type", "capabilities", "dns", "prevresult"),
        *("network", "policies", "routes", "outboundnat", "loopbackdsr", "mtu", "macprefix", "gatewayfrom"),
        *("portmappingacl", "datadir", "log", "timeout"),
        *("ipmasq", "ipmasqnetwork", "additionalargs", "additionalroutes", "apiversion", "endpointmacprefix"),
        *("hcnpolicyargs", "master", "optionalflags"),
    ]
)
# Of these objects only the members named.
_OPEN_INSIDE = {
    "ipam": frozenset(
        [
            *("type", "delegate", "ranges", "subnet", "rangestart", "rangeend", "gateway", "routes"),
            *("datadir", "resolvconf", "addresses"),
        ]
    ),
    "runtimeconfig": frozenset(["portmappings", "dns", "bandwidth", "ips", "mac", "ipranges"]),
    "args": frozenset(["cni"]),
}
_ADDRESSES = ("IP", "MAC")


def secrets_of(request: Request) -> list[str]:
    """The texts to mask: the values of CNI_ARGS, and every text below a key that is not known to us.

    Of the arguments an address may be shown, where it is one: a plugin that refuses it says nothing without.
    So may the pod's names, which are in other words of a message as well: `default`, `web`.
    """
    closed: list[object] = [
        pair.partition("=")[2]
        for pair in request.variables.args.split(";")
        if not _is_an_address(pair) and not is_of_the_pod(pair)
    ]
    for key, value in request.config.items():
        inside = _OPEN_INSIDE.get(key.lower())
        if inside is not None and isinstance(value, dict):
            closed += [each for name, each in value.items() if name.lower() not in inside]
        elif key.lower() not in OPEN:
            closed.append(value)
    return [text for text in _texts(closed) if text]


def _is_an_address(pair: str) -> bool:
    return pair.partition("=")[0] in _ADDRESSES and not argument_faults(pair)


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []
