"""Host ports that pods map: who else may have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cni_hns.binding.reading import member
from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.doctor.owners import Owners, some

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cni_hns.binding.host import PortRange
    from cni_hns.doctor.picture import Picture
    from cni_hns.hcn.views import EndpointView

__all__ = ["AREA"]

_PROTOCOLS = {"6": "tcp", "17": "udp"}

_KINDS: dict[str, Kind] = {
    "port-excluded": Kind(
        "warning",
        "the pod keeps its port until it, HNS or the node is started again; then HNS refuses the port "
        "(0x803B0013), and the pod is not made",
        "see `netsh int ipv4 show excludedportrange {protocol}`; give the pod another hostPort, or delete "
        "that range with `netsh int ipv4 delete excludedportrange {protocol} {first} {count}`",
    ),
    "port-dynamic": Kind(
        "warning",
        "any program of the node may be given this port first: then HNS refuses it (0x803B0013), and the pod "
        "is not made",
        "give the pod a hostPort below {first}, or exclude it for itself: `netsh int ipv4 add "
        "excludedportrange {protocol} {port} 1`",
    ),
    "port-reserved-by-nobody": Kind(
        "warning",
        "no pod can map this host port (0x803B0013) until HNS is started again",
        "`Restart-Service hns` when the node can do without new pods for a minute, then `cni-hns doctor`",
    ),
}


class _Mapping(NamedTuple):
    port: int
    protocol: str
    endpoint: EndpointView


def _excluded(picture: Picture) -> Iterator[Seen]:
    owners, ports = Owners(picture), picture.host.ports if picture.host is not None else None
    for one in _mappings(picture, owners):
        found = _around(one, ports.kept_from_hns if ports is not None else [])
        if found is not None:
            who = "an administrator excluded" if found.by_hand else "another program reserved"
            cause = f"host port {one.port}/{one.protocol} lies in what {who}: {found.first} to {found.last}"
            names = {
                "protocol": one.protocol,
                "first": str(found.first),
                "count": str(found.last - found.first + 1),
            }
            yield _seen("port-excluded", one, cause, names, owners)


def _dynamic(picture: Picture) -> Iterator[Seen]:
    """Of the ports that a configuration asked for: what HNS chose itself is from there."""
    owners, ranges = Owners(picture), _ranges(picture, "dynamic")
    excluded = _ranges(picture, "excluded")
    for one in _mappings(picture, owners):
        found = _around(one, ranges)
        if found is not None and one.endpoint.id in picture.lookup.recorded and not _around(one, excluded):
            cause = f"host port {one.port}/{one.protocol} is one of those that Windows gives to any program"
            names = {"protocol": one.protocol, "first": str(found.first), "port": str(one.port)}
            yield _seen("port-dynamic", one, cause, names, owners)


def _reserved_by_nobody(picture: Picture) -> Iterator[Seen]:
    held = picture.host.held_ports if picture.host is not None else None
    if held is None or picture.seen.endpoints is None or picture.seen.load_balancers is None:
        return
    known = picture.lookup.endpoints.keys() | {one.id for one in picture.seen.load_balancers}
    lost: dict[str, list[int]] = {}
    for one in held:
        if one.owner not in known:
            lost.setdefault(one.owner, []).append(one.port)
    for owner, ports in lost.items():
        subject = f"host port {some(map(str, sorted(ports)))}"
        yield Seen("port-reserved-by-nobody", subject, f"HNS holds it for {owner}, which it does not have")


def _seen(kind: str, one: _Mapping, cause: str, names: dict[str, str], owners: Owners) -> Seen:
    pod = owners.name(one.endpoint)
    return Seen(kind, f"pod {pod}", cause, (pod,), names)


def _mappings(picture: Picture, owners: Owners) -> Iterator[_Mapping]:
    for endpoint in picture.lookup.endpoints.values():
        if not owners.is_of_a_pod(endpoint):
            continue
        for policy in endpoint.policies:
            settings = member(policy, "Settings")
            if str(member(policy, "Type")).lower() == "portmapping" and isinstance(settings, dict):
                port, protocol = member(settings, "ExternalPort"), str(member(settings, "Protocol") or "")
                if isinstance(port, int) and port:
                    yield _Mapping(port, _PROTOCOLS.get(protocol, protocol.lower()), endpoint)


def _ranges(picture: Picture, name: str) -> tuple[PortRange, ...]:
    ports = picture.host.ports if picture.host is not None else None
    if ports is None:
        return ()
    return ports.excluded if name == "excluded" else ports.dynamic


def _around(one: _Mapping, ranges: Sequence[PortRange]) -> PortRange | None:
    same = (each for each in ranges if each.protocol == one.protocol)
    return next((each for each in same if each.first <= one.port <= each.last), None)


AREA = Area(_KINDS, (_excluded, _dynamic, _reserved_by_nobody))
