"""DEL: it takes away what is there, and minds nothing that is not."""

from __future__ import annotations

from cni_hns.conformance.bench import Bench, second_interface
from cni_hns.conformance.configuration import IPAM
from cni_hns.conformance.registry import MUST, SHOULD, check

__all__ = ["CHECKS"]

_DEL = "section 2, DEL"
_MANY = (
    '"Plugins MUST accept multiple DEL calls for the same pair, and return success if the interface '
    "in question … "
)
_GENERALLY = (
    '"Plugins should generally complete a DEL action without error even if some resources are missing"'
)


@check(
    "delete.succeeds",
    MUST,
    "DEL of an attachment succeeds",
    section=_DEL,
    quote='"delete the interface defined by CNI_IFNAME inside the container at CNI_NETNS"',
)
def succeeds(bench: Bench) -> None:
    made = bench.added()
    outcome = bench.delete(made)
    bench.must(outcome.ok, "DEL failed", outcome)


@check(
    "delete.repeated",
    MUST,
    "DEL of the same attachment again, and once more, succeeds",
    section=_DEL,
    quote=f'{_MANY}are missing"',
)
def repeated(bench: Bench) -> None:
    made = bench.added()
    bench.deleted(made)
    for words in ("second", "third"):
        outcome = bench.delete(made.attachment)
        bench.must(outcome.ok, f"the {words} DEL failed", outcome)


@check(
    "delete.never-added",
    MUST,
    "DEL of a container that was never added succeeds",
    section=_DEL,
    quote=f'{_MANY}are missing"',
)
def never_added(bench: Bench) -> None:
    outcome = bench.delete(bench.attachment())
    bench.must(outcome.ok, "DEL of an unknown container failed", outcome)


@check(
    "delete.without-netns",
    MUST,
    "DEL works without CNI_NETNS, unset or empty",
    section=_DEL,
    quote='"Optional environment parameters: CNI_NETNS, …"; a runtime leaves it out when the namespace '
    "is gone",
)
def without_netns(bench: Bench) -> None:
    empty, unset = bench.added(), bench.added()
    outcome = bench.delete(empty, variables={"CNI_NETNS": ""})
    bench.must(outcome.ok, "DEL with an empty CNI_NETNS failed", outcome)
    variables = bench.variables("DEL", unset.attachment)
    del variables["CNI_NETNS"]
    outcome = bench.call(variables, bench.request())
    bench.must(outcome.ok, "DEL without CNI_NETNS failed", outcome)


@check(
    "delete.namespace-gone",
    SHOULD,
    "DEL works when the namespace is gone",
    section=_DEL,
    quote=f"{_GENERALLY}; also if the container network namespace no longer exists",
    not_for={IPAM: "an IPAM plugin is not in the namespace"},
)
def namespace_gone(bench: Bench) -> None:
    bench.needs_removable_namespaces()
    made = bench.added()
    bench.take_away(made.attachment.netns)
    outcome = bench.delete(made)
    bench.must(outcome.ok, "DEL failed after the namespace was deleted", outcome)


@check(
    "delete.without-prevresult",
    MUST,
    "DEL works without `prevResult`",
    section="section 3, Lifecycle & Ordering",
    quote='"A delete must still be executed even if the add fails", and then there is no result to hand over',
    since="0.4.0",
)
def without_prevresult(bench: Bench) -> None:
    made = bench.added()
    outcome = bench.delete(made.attachment)
    bench.must(outcome.ok, "DEL without prevResult failed", outcome)


@check(
    "delete.after-failed-add",
    MUST,
    "DEL after an ADD that failed succeeds",
    section="section 3, Lifecycle & Ordering; section 2, DEL",
    quote='"A delete must still be executed even if the add fails"',
)
def after_failed_add(bench: Bench) -> None:
    attachment = bench.attachment()
    bench.add(attachment, cniVersion="9.9.9")
    outcome = bench.delete(attachment)
    bench.must(outcome.ok, "DEL after a failed ADD failed", outcome)


@check(
    "delete.other-container-stays",
    MUST,
    "DEL of one container leaves the others alone",
    section="section 2, DEL and CHECK",
    quote="DEL is about the interface in this container",
    since="0.4.0",
)
def other_container_stays(bench: Bench) -> None:
    goes, stays = bench.added(), bench.added()
    bench.deleted(goes)
    outcome = bench.check(stays)
    bench.must(outcome.ok, "after DEL of another container, CHECK fails", outcome)


@check(
    "delete.other-interface-stays",
    MUST,
    "DEL of one interface leaves the container's other one alone, also when only one was ever added",
    section="section 2, DEL and CHECK",
    quote="DEL is about the interface defined by CNI_IFNAME",
    since="0.4.0",
)
def other_interface_stays(bench: Bench) -> None:
    stays = bench.added()
    bench.deleted(second_interface(stays.attachment))
    outcome = bench.check(stays)
    bench.must(outcome.ok, "after DEL of eth1, which was never added, CHECK of eth0 fails", outcome)


CHECKS = (
    succeeds,
    repeated,
    never_added,
    without_netns,
    namespace_gone,
    without_prevresult,
    after_failed_add,
    other_container_stays,
    other_interface_stays,
)
