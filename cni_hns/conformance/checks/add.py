"""ADD: what it makes, and what it does when asked again."""

from __future__ import annotations

from dataclasses import replace

from cni_hns.conformance.bench import Bench, second_interface
from cni_hns.conformance.configuration import CHAINED, IPAM
from cni_hns.conformance.findings import NotApplicable
from cni_hns.conformance.registry import MUST, SHOULD, check
from cni_hns.conformance.results import addresses, essence, interfaces

__all__ = ["CHECKS"]

_SUCCESS = "section 5, ADD Success"
_NO_INTERFACE = {IPAM: "an IPAM plugin makes no interface"}


@check(
    "add.result",
    MUST,
    "ADD succeeds and prints a result",
    section="section 2, ADD",
    quote='"If the CNI plugin is successful, it must output a result structure on standard out"',
)
def result(bench: Bench) -> None:
    outcome = bench.add(bench.attachment())
    bench.judge_plain_add(outcome, None, "ADD failed")
    bench.must(outcome.document is not None, "ADD succeeded without printing a result", outcome)


@check(
    "add.interface-named",
    MUST,
    "the result has an interface with the name in CNI_IFNAME",
    section="section 2, Parameters; section 5, ADD Success",
    quote='CNI_IFNAME: "Name of the interface to create inside the container"; interfaces: "An array of all '
    'interfaces created by the attachment"',
    since="0.3.0",
    not_for=_NO_INTERFACE,
)
def interface_named(bench: Bench) -> None:
    outcome = bench.sample()
    names = [one.get("name") for one in interfaces(outcome.document or {})]
    wanted = outcome.call.variables["CNI_IFNAME"]
    bench.must(wanted in names, f"no interface is called {wanted}: {names}", outcome)


@check(
    "add.sandbox",
    SHOULD,
    "that interface's `sandbox` is the value of CNI_NETNS",
    section=_SUCCESS,
    quote='"For interfaces created inside the container, this should be the value passed via CNI_NETNS"',
    since="0.3.0",
    not_for=_NO_INTERFACE,
)
def sandbox(bench: Bench) -> None:
    outcome = bench.sample()
    netns, ifname = outcome.call.variables["CNI_NETNS"], outcome.call.variables["CNI_IFNAME"]
    named = [one for one in interfaces(outcome.document or {}) if one.get("name") == ifname]
    if not named:
        raise NotApplicable("no interface has the name in CNI_IFNAME, see add.interface-named")
    said = [one.get("sandbox") for one in named]
    bench.must(netns in said, f"sandbox is {said}, not {netns}", outcome)


@check(
    "add.namespace-missing",
    MUST,
    "ADD into a namespace that does not exist is an error",
    section="section 2, ADD",
    quote='"create the interface defined by CNI_IFNAME inside the container at CNI_NETNS"',
    not_for={**_NO_INTERFACE, CHAINED: "a chained plugin may have nothing to do in the namespace"},
)
def namespace_missing(bench: Bench) -> None:
    attachment = replace(bench.attachment(), netns=bench.subject.namespaces.missing())
    bench.refused(bench.add(attachment), f"the namespace {attachment.netns}, which does not exist,")


@check(
    "add.second-interface",
    MUST,
    "a container can have a second interface on the network",
    section="section 2, ADD",
    quote='"more than once only if each addition is done with a different interface name"',
)
def second(bench: Bench) -> None:
    first = bench.added()
    outcome = bench.add(second_interface(first.attachment))
    bench.must(outcome.ok, "ADD of a second interface of the container failed", outcome)


@check(
    "add.distinct-addresses",
    SHOULD,
    "two containers get different addresses",
    section=_SUCCESS,
    quote='ips: "IPs assigned by this attachment"; right all the same where the configuration fixes the '
    "address",
)
def distinct_addresses(bench: Bench) -> None:
    one, other = bench.added(), bench.added()
    if not addresses(one.result):
        raise NotApplicable("the results have no addresses")
    common = set(addresses(one.result)) & set(addresses(other.result)) - _given(bench)
    bench.must(not common, f"two containers have the address {', '.join(sorted(common))}", other.outcome)


def _given(bench: Bench) -> set[str]:
    """The addresses that the plugin only passes on."""
    if bench.subject.kind != CHAINED or bench.subject.earlier:
        return set()
    return set(addresses(bench.previous(bench.attachment(), bench.version)))


@check(
    "add.repeated",
    MUST,
    "a second ADD of the same attachment is an error, or gives the identical result",
    section="section 2, ADD",
    quote='"If an interface of the requested name already exists in the container, the CNI plugin MUST '
    "return with an "
    'error"; that some plugins answer as before harms nobody',
)
def repeated(bench: Bench) -> None:
    first = bench.added()
    outcome = bench.add(first.attachment)
    if not outcome.ok:
        return
    before, now = essence(first.result), essence(outcome.document or {})
    bench.must(before == now, f"a repeated ADD gave {now} where the first had given {before}", outcome)


@check(
    "add.repeated-keeps",
    MUST,
    "a second ADD of the same attachment leaves the first as it is",
    section="section 2, ADD and CHECK",
    quote="an error about the second call is no reason to take anything from the running container",
    since="0.4.0",
)
def repeated_keeps(bench: Bench) -> None:
    first = bench.added()
    bench.add(first.attachment)
    outcome = bench.check(first)
    bench.must(outcome.ok, "after a repeated ADD, CHECK of the attachment fails", outcome)


CHECKS = (
    result,
    interface_named,
    sandbox,
    namespace_missing,
    second,
    distinct_addresses,
    repeated,
    repeated_keeps,
)
