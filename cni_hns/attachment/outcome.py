"""The CNI result of an endpoint: what HNS says it has, in the words of the specification; how it is kept."""

from __future__ import annotations

import json
from ipaddress import ip_address

from cni_hns.cni.errors import CniError
from cni_hns.cni.result import Dns, Interface, IpConfig, Result, Route, dump, parse
from cni_hns.ledger.errors import DamagedRow
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.hcn.views import EndpointView
    from cni_hns.ledger import AttachmentRow

__all__ = ["default_gateway", "mac_of", "of_stored", "result_of", "to_stored"]

# The newest version has all that any other has.
_STORED_VERSION = "1.1.0"

_DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}


def result_of(view: EndpointView, ifname: str, netns: str) -> Result:
    """Our part of the result (CNI SPEC, section 5): one interface, its addresses, the endpoint's routes, DNS.

    The interface carries CNI_IFNAME and each address points at it: runtimes look for the pod's address there.
    """
    interface = Interface(name=ifname, mac=mac_of(view.mac), sandbox=netns)
    addresses = [
        IpConfig(
            address=f"{address}/{prefix}",
            gateway=default_gateway(view, ip_address(address).version),
            interface=0,
        )
        for address, prefix in view.addresses
    ]
    routes = [Route(dst=destination, gw=gateway or None) for destination, gateway in view.routes]
    return Result(interfaces=[interface], ips=addresses, routes=routes, dns=_dns_of(view))


def to_stored(result: Result) -> str:
    """The result as the ledger keeps it."""
    return json.dumps(dump(result, _STORED_VERSION))


def of_stored(row: AttachmentRow, path: str) -> Result:
    """The result that the ledger at `path` has kept; an empty one where it has none.

    Raises: LedgerFault: what it kept is no result.
    """
    try:
        return parse(json.loads(row.result or "{}"), _STORED_VERSION)
    except (ValueError, CniError) as fault:
        raise DamagedRow(path, "attachments", "result", "/".join(row.key)) from fault


def default_gateway(view: EndpointView, version: int) -> str | None:
    """The next hop of the endpoint's default route of this IP version."""
    hops = [gateway for destination, gateway in view.routes if destination == _DEFAULT[version] and gateway]
    return hops[0] if hops else None


def mac_of(text: str) -> str:
    """HNS writes 00-15-5D-01-02-03, CNI results 00:15:5d:01:02:03."""
    return text.replace("-", ":").lower()


def _dns_of(view: EndpointView) -> Dns:
    dns = view.dns
    return Dns(
        nameservers=list(dns.get("ServerList") or []),
        domain=dns.get("Domain") or "",
        search=list(dns.get("Search") or []),
        options=list(dns.get("Options") or []),
    )
