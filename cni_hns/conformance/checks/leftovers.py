"""What a DEL leaves: nothing that stands in the way of the next ADD."""

from __future__ import annotations

from cni_hns.conformance.bench import Added, Attachment, Bench
from cni_hns.conformance.findings import NotApplicable
from cni_hns.conformance.registry import MUST, SHOULD, check
from cni_hns.conformance.results import cidr, ip_entries
from cni_hns.conformance.wire import Outcome

__all__ = ["CHECKS"]

_DEL = "section 2, DEL"
_UNDO = (
    '"delete the interface defined by CNI_IFNAME" or "undo any modifications applied in the plugin\'s ADD"'
)
_RELEASE = '"an IPAM plugin should generally release an IP allocation"'
_ROUNDS = 5


@check(
    "leftovers.same-attachment",
    MUST,
    "after DEL the same container can be added again, in another namespace",
    section=_DEL,
    quote=_UNDO,
)
def same_attachment(bench: Bench) -> None:
    made = bench.added()
    bench.deleted(made)
    name = made.attachment.container
    outcome = bench.add(Attachment(name, bench.namespace(f"{name}-again")))
    bench.must(outcome.ok, "ADD of the same container after its DEL failed", outcome)


@check(
    "leftovers.rounds",
    MUST,
    f"{_ROUNDS} rounds of ADD and DEL of one container work",
    section=_DEL,
    quote=_UNDO,
)
def rounds(bench: Bench) -> None:
    attachment = bench.attachment()
    for number in range(1, _ROUNDS + 1):
        outcome = bench.add(attachment)
        bench.must(outcome.ok, f"ADD of round {number} failed", outcome)
        bench.deleted(Added(attachment, bench.version, outcome))


@check(
    "leftovers.same-address",
    SHOULD,
    "after DEL another container can have the address",
    section=_DEL,
    quote=_RELEASE,
    since="0.3.0",
)
def same_address(bench: Bench) -> None:
    made = bench.added()
    _needs_requested_addresses(bench, made)
    bench.deleted(made)
    outcome = _add_with_addresses_of(bench, made)
    bench.must(outcome.ok, "ADD of another container with the address that DEL released failed", outcome)


@check(
    "leftovers.same-address-without-netns",
    SHOULD,
    "after DEL without CNI_NETNS another container can have the address",
    section=_DEL,
    quote=f"{_RELEASE}, even if the container network namespace no longer exists",
    since="0.3.0",
)
def same_address_without_netns(bench: Bench) -> None:
    made = bench.added()
    _needs_requested_addresses(bench, made)
    bench.deleted(made.attachment, variables={"CNI_NETNS": ""})
    outcome = _add_with_addresses_of(bench, made)
    bench.must(outcome.ok, "ADD with the address that DEL without CNI_NETNS released failed", outcome)


def _needs_requested_addresses(bench: Bench, made: Added) -> None:
    if "ips" not in bench.subject.configuration.capabilities:
        raise NotApplicable(
            "the configuration does not declare the capability `ips`, to ask for an address by"
        )
    if not ip_entries(made.result):
        raise NotApplicable("the result has no address")


def _add_with_addresses_of(bench: Bench, made: Added) -> Outcome:
    wanted = [entry["address"] for entry in ip_entries(made.result) if cidr(entry.get("address"))]
    return bench.add(bench.attachment(), runtimeConfig={"ips": wanted})


CHECKS = (same_attachment, rounds, same_address, same_address_without_netns)
