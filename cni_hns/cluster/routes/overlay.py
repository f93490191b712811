"""The RemoteSubnetRoute policies of an overlay network: other nodes' pods, as HNS is told of them.

Rule 1: HNS is asked nothing that it need not be: no difference, no change, and one query (none where the
caller has the network's document).
Rule 2: of one prefix HNS has one policy, and it is not known what it makes of two. So a policy that changed
is removed just before the new one is added, one prefix after another: only that node is out of reach
meanwhile, and it was already, for it has moved.
Rule 3: policies outside of the cluster's pod ranges are other people's.

Source: flannel's vxlan backend for Windows, which removes the policy of a prefix before it adds another.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from cni_hns.binding.errors import PolicyNotFound, ServiceError, Unreachable
from cni_hns.binding.reading import member
from cni_hns.cluster.macs import mac
from cni_hns.cluster.prefixes import same_spelling
from cni_hns.cluster.routes.removal import NOTHING, removable
from cni_hns.cluster.routes.route import Changes, Refusal, Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cni_hns.cluster.routes.removal import Gone
    from cni_hns.hcn.client import Opened

__all__ = ["bring", "held"]

_TYPE = "RemoteSubnetRoute"

Document = dict[str, Any]


def held(document: Document) -> list[Route]:
    """The routes that the network has now, in one spelling; one whose prefix cannot be read is left out."""
    return [_route(one) for one in _policies(document)]


def bring(
    network: Opened,
    wanted: Sequence[Route],
    known: Gone = NOTHING,
    *,
    pod_ranges: Sequence[str] = (),
    document: Document | None = None,
) -> Changes:
    """Give the open network these routes, and take off those in `pod_ranges` whose node is gone.

    `document` is what the network's query has just answered, if the caller has it. What HNS refuses of one
    route is in `refused`, and all others are done all the same.

    Raises:
        ServiceError: the network cannot be read; Unreachable: HNS went away. The next call goes on then.
    """
    work = _Work(network)
    there = _by_prefix(network.query() if document is None else document)
    wanted_by_prefix = {one.prefix: one for one in wanted}
    spare = [_route(one[0]) for prefix, one in there.items() if prefix not in wanted_by_prefix]
    for route in removable(spare, known, pod_ranges):
        work.remove(there[route.prefix])
    new = []
    for route in wanted_by_prefix.values():
        found = there.get(route.prefix, [])
        if [_route(one) for one in found] == [route]:
            continue
        if not found:
            new.append(route)
        elif work.remove(found):
            work.add(route)
    work.add_all(new)
    return work.changes


class _Work:
    """The changes to one network, and what became of them."""

    def __init__(self, network: Opened) -> None:
        self._network = network
        self.changes = Changes([], [], [], [])

    def remove(self, policies: list[Document]) -> bool:
        """Take these off, as HNS shows them; whether they are gone."""
        for policy in policies:
            route = _route(policy)
            try:
                self._modify("Remove", [policy])
            except PolicyNotFound:
                continue  # of two with one prefix HNS may have removed the other, or both
            except Unreachable:
                raise
            except ServiceError as fault:
                self.changes.refused.append(Refusal(route, str(fault)))
                return False
            self.changes.removed.append(route)
        return True

    def add(self, route: Route) -> None:
        try:
            self._modify("Add", [_policy(route)])
        except Unreachable:
            raise
        except ServiceError as fault:
            self.changes.refused.append(Refusal(route, str(fault)))
        else:
            self.changes.added.append(route)

    def add_all(self, routes: list[Route]) -> None:
        """Many at once, as at the start on a node of a large cluster.

        Nobody has shown that HNS takes more than one in a request, or what it leaves of a request that it
        refuses. So it is read what became of them, and the rest is added one by one.
        """
        rest = routes
        if len(routes) > 1:
            try:
                self._modify("Add", [_policy(one) for one in routes])
            except Unreachable:
                raise
            except ServiceError:
                pass  # the call that adds the one it objects to will say so
            there = set(held(self._network.query()))
            self.changes.added.extend(one for one in routes if one in there)
            rest = [one for one in routes if one not in there]
        for one in rest:
            self.add(one)

    def _modify(self, request: str, policies: list[Document]) -> None:
        settings = {"Policies": policies}
        self._network.modify({"ResourceType": "Policy", "RequestType": request, "Settings": settings})


def _policies(document: Document) -> Iterable[Document]:
    policies = member(document, "Policies")
    for one in policies if isinstance(policies, list) else []:
        if isinstance(one, dict) and str(member(one, "Type")).lower() == _TYPE.lower():
            settings = member(one, "Settings")
            if isinstance(settings, dict) and same_spelling(member(settings, "DestinationPrefix")):
                yield one


def _by_prefix(document: Document) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for one in _policies(document):
        found.setdefault(_route(one).prefix, []).append(one)
    return found


def _route(policy: Document) -> Route:
    settings = member(policy, "Settings")
    return Route(
        same_spelling(member(settings, "DestinationPrefix")),
        _address(member(settings, "ProviderAddress")),
        _number(member(settings, "IsolationId")),
        mac(member(settings, "DistributedRouterMacAddress")),
    )


def _policy(route: Route) -> Document:
    settings = {
        "DestinationPrefix": route.prefix,
        "IsolationId": route.vsid,
        "ProviderAddress": route.provider,
        "DistributedRouterMacAddress": route.mac,
    }
    return {"Type": _TYPE, "Settings": settings}


def _address(text: object) -> str:
    try:
        return str(ip_address(text)) if isinstance(text, str) else ""
    except ValueError:
        return ""


def _number(value: object) -> int:
    """HNS writes some of its numbers as texts."""
    text = str(value)
    return int(text) if text.isdecimal() and text.isascii() else 0
