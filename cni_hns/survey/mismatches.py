"""Where HNS, HCS, the ledger and the container runtime disagree about a pod, in words.

Rule: each check needs the sources that it compares, and says nothing where one of them did not answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.hcn.views import ENABLE_DHCP, REMOTE
from cni_hns.identity import attachment_of
from cni_hns.ledger.addresses import address_key
from cni_hns.survey.pod import Mismatch, last_verb

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from cni_hns.hcn.views import EndpointView
    from cni_hns.ledger import AttachmentRow, Lease
    from cni_hns.survey.index import Index
    from cni_hns.survey.pod import Pod

__all__ = ["STARTING_S", "mismatches_of"]

STARTING_S = 60.0
"""So long after its ADD a pod may be without a container: a runtime makes the container after it."""


def mismatches_of(pod: Pod, index: Index) -> list[Mismatch]:
    """All of them; none for a pod of which all sources say the same."""
    return [found for check in _CHECKS for found in check(pod, index)]


def _unfinished(pod: Pod, _: Index) -> Iterator[Mismatch]:
    for row in pod.attachments:
        if row.is_unfinished:
            yield Mismatch("unfinished", f"{last_verb(row)} and never ended: {_named(row)}")


def _namespaces(pod: Pod, index: Index) -> Iterator[Mismatch]:
    """Of each finished attachment, against the ledger."""
    if index.seen.namespaces is not None:
        named = [(row, row.namespace_id) for row in _ready(pod)]
        for words in _not_in_hns("namespace", named, index.rooms):
            yield Mismatch("namespace-missing", words)


def _networks(pod: Pod, index: Index) -> Iterator[Mismatch]:
    if index.seen.networks is not None:
        named = [(row, row.hcn_network_id) for row in _ready(pod)]
        for words in _not_in_hns("network", named, index.networks):
            yield Mismatch("network-missing", words)


def _endpoints_of_rows(pod: Pod, index: Index) -> Iterator[Mismatch]:
    if index.seen.endpoints is None:
        return
    for row in _ready(pod):
        endpoint = index.endpoints.get(row.endpoint_id or "")
        if endpoint is None:
            named = f"endpoint {row.endpoint_id}" if row.endpoint_id else "an endpoint"
            yield Mismatch("endpoint-missing", f"HNS does not have {named}, {_of(row)}")
        elif row.namespace_id and endpoint.namespace != row.namespace_id:
            where = f"in namespace {endpoint.namespace}" if endpoint.namespace else "in no namespace"
            said = f"the ledger says in {row.namespace_id}"
            yield Mismatch("endpoint-elsewhere", f"{_endpoint(endpoint)} is {where}; {said}")


def _leased_addresses(pod: Pod, index: Index) -> Iterator[Mismatch]:
    for row, endpoint in _with_own_endpoint(pod, index):
        there = _addresses_of([endpoint])
        for lease in _leases_of(row, pod):
            if address_key(lease.address) not in there:
                words = f"{_endpoint(endpoint)} does not have {lease.address}, which the ledger leases to it"
                yield Mismatch("address-missing", words)


def _unleased_addresses(pod: Pod, index: Index) -> Iterator[Mismatch]:
    """An external IPAM plugin and a DHCP server keep leases of their own."""
    if index.seen.leases is None:
        return
    for row, endpoint in _with_own_endpoint(pod, index):
        if row.plugin is not None or endpoint.flags & ENABLE_DHCP:
            continue
        leased = {address_key(lease.address) for lease in _leases_of(row, pod)}
        for address, _ in endpoint.addresses:
            if address_key(address) not in leased:
                words = f"{_endpoint(endpoint)} has {address}, which the ledger does not lease to it"
                yield Mismatch("address-without-lease", words)


def _unrecorded_endpoints(pod: Pod, index: Index) -> Iterator[Mismatch]:
    if index.seen.rows is None:
        return
    for one in pod.endpoints:
        ours = attachment_of(one.id, one.name)
        if ours is not None and one.id not in index.recorded:
            network, _, ifname = ours
            words = (
                f'{_endpoint(one)} is of {ifname} on "{network}" by its ID, and no row of the ledger names it'
            )
            yield Mismatch("endpoint-without-row", words)


def _unlisted_endpoints(pod: Pod, _: Index) -> Iterator[Mismatch]:
    if pod.room is None:
        return
    for one in pod.endpoints:
        if one.namespace == pod.room.id and one.id not in pod.room.endpoints:
            words = f"{_endpoint(one)} says that it is in namespace {pod.room.id}, which does not list it"
            yield Mismatch("endpoint-not-listed", words)


def _lost_endpoints(pod: Pod, index: Index) -> Iterator[Mismatch]:
    if pod.room is None or index.seen.endpoints is None:
        return
    for one in sorted(pod.room.endpoints - index.endpoints.keys()):
        words = f"namespace {pod.room.id} lists endpoint {one}, which HNS does not have"
        yield Mismatch("endpoint-listed-but-gone", words)


def _addresses_used_twice(pod: Pod, index: Index) -> Iterator[Mismatch]:
    for one in pod.endpoints:
        for address, _ in one.addresses:
            others = [_endpoint(each) for each in index.at(one.network, address) if each.id != one.id]
            if others:
                words = f"{_endpoint(one)} has {address}, and so has {', '.join(others)}"
                yield Mismatch("address-twice", words)


def _leases_without_row(pod: Pod, index: Index) -> Iterator[Mismatch]:
    """What was taken over from host-local has none while its pod, made by a peer, has its endpoint."""
    if index.seen.rows is None:
        return
    in_use = _addresses_of(pod.endpoints)
    for lease in pod.leases:
        if any(_is_of(lease, row) for row in pod.attachments):
            continue
        if lease.origin == "adopted" and (
            index.seen.endpoints is None or address_key(lease.address) in in_use
        ):
            continue
        on = f'{lease.ifname or "the container"} on network "{lease.network}"'
        words = f"the ledger leases {lease.address} to {on}, and has no row for it"
        yield Mismatch("lease-without-row", words)


def _sandbox(pod: Pod, index: Index) -> Iterator[Mismatch]:
    ready = _ready(pod)
    if index.seen.systems is None or not ready:
        return
    found = index.sandbox(pod.id)
    if found is not None:
        if found.stopped or found.state == "Stopped":
            yield Mismatch("container-stopped", f"the sandbox's container {found.id} has stopped")
    elif pod.sandbox is None and not any(_is_starting(row, index) for row in ready):
        yield Mismatch("container-missing", f"HCS does not have the sandbox's container {pod.id}")


def _listed_containers(pod: Pod, index: Index) -> Iterator[Mismatch]:
    if pod.room is None:
        return
    for one in pod.room.containers:
        if index.seen.systems is not None and index.system(one) is None:
            words = f"namespace {pod.room.id} lists container {one}, which HCS does not have"
            yield Mismatch("container-listed-but-gone", words)
        if index.seen.rows is not None and not index.rows_in.get(pod.room.id):
            words = f"container {one} is in namespace {pod.room.id}, and no row of the ledger names that"
            yield Mismatch("container-without-row", words)


def _told_sandbox(pod: Pod, index: Index) -> Iterator[Mismatch]:
    """A pod in the host's network has neither address nor attachment, and HCS may not have its container."""
    told = pod.sandbox
    if told is None or index.seen.systems is None or any(_is_starting(row, index) for row in pod.attachments):
        return
    is_in_network = bool(told.addresses or pod.attachments)
    if told.is_ready and is_in_network and index.sandbox(pod.id) is None:
        words = f"the runtime says that sandbox {pod.id} is ready, and HCS does not have its container"
        yield Mismatch("sandbox-without-container", words)


def _untold_sandbox(pod: Pod, index: Index) -> Iterator[Mismatch]:
    """The runtime lists a sandbox only when its container has started."""
    found = index.sandbox(pod.id) if pod.id else None
    if index.seen.sandboxes is None or pod.sandbox is not None or found is None:
        return
    if not any(_is_starting(row, index) for row in pod.attachments):
        words = f"HCS has the sandbox's container {found.id}, and the runtime does not know this sandbox"
        yield Mismatch("sandbox-unknown", words)


def _ended_sandbox(pod: Pod, _: Index) -> Iterator[Mismatch]:
    if pod.sandbox is not None and not pod.sandbox.is_ready:
        for one in pod.endpoints:
            words = f"the runtime says that sandbox {pod.id} has ended, and {_endpoint(one)} is still there"
            yield Mismatch("sandbox-ended-with-endpoint", words)


def _told_addresses(pod: Pod, _: Index) -> Iterator[Mismatch]:
    """HNS does not learn what a DHCP server gives."""
    if pod.sandbox is None or not pod.endpoints or any(one.flags & ENABLE_DHCP for one in pod.endpoints):
        return
    there = _addresses_of(pod.endpoints)
    for address in pod.sandbox.addresses:
        if address_key(address) not in there:
            words = f"the runtime says that the pod has {address}, which no endpoint of the pod has"
            yield Mismatch("sandbox-address", words)


_CHECKS: tuple[Callable[[Pod, Index], Iterator[Mismatch]], ...] = (
    _unfinished,
    _namespaces,
    _networks,
    _endpoints_of_rows,
    _leased_addresses,
    _unleased_addresses,
    _unrecorded_endpoints,
    _unlisted_endpoints,
    _lost_endpoints,
    _addresses_used_twice,
    _leases_without_row,
    _sandbox,
    _listed_containers,
    _told_sandbox,
    _untold_sandbox,
    _ended_sandbox,
    _told_addresses,
)


def _ready(pod: Pod) -> list[AttachmentRow]:
    return [row for row in pod.attachments if row.phase == "ready"]


def _not_in_hns(
    what: str, named: list[tuple[AttachmentRow, str | None]], known: Container[str]
) -> Iterator[str]:
    """Of each row what it names and HNS does not have."""
    for row, one in named:
        if one and one not in known:
            yield f"HNS does not have {what} {one}, {_of(row)}"


def _with_own_endpoint(pod: Pod, index: Index) -> Iterator[tuple[AttachmentRow, EndpointView]]:
    """A shared endpoint has the addresses of the attachment whose it is."""
    for row in _ready(pod):
        endpoint = index.endpoints.get(row.endpoint_id or "")
        if endpoint is not None and not row.is_shared:
            yield row, endpoint


def _addresses_of(endpoints: list[EndpointView]) -> set[int]:
    """As numbers, for two may spell one address differently."""
    return {address_key(address) for one in endpoints for address, _ in one.addresses}


def _leases_of(row: AttachmentRow, pod: Pod) -> list[Lease]:
    return [lease for lease in pod.leases if _is_of(lease, row)]


def _is_of(lease: Lease, row: AttachmentRow) -> bool:
    """host-local's first reservations name no interface."""
    return lease.network == row.key.network and lease.ifname in ("", row.key.ifname)


def _is_starting(row: AttachmentRow, index: Index) -> bool:
    return index.seen.time is not None and index.seen.time.age_s(row.updated_at) < STARTING_S


def _named(row: AttachmentRow) -> str:
    return f'{row.key.ifname} on network "{row.key.network}"'


def _of(row: AttachmentRow) -> str:
    return f"which the ledger names for {_named(row)}"


def _endpoint(one: EndpointView) -> str:
    kind = "remote endpoint" if one.flags & REMOTE else "endpoint"
    return f"{kind} {one.id}"
