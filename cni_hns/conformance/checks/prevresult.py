"""ADD in a chain: what earlier plugins gave is passed on."""

from __future__ import annotations

from typing import Any

from cni_hns.conformance.bench import Added, Bench
from cni_hns.conformance.configuration import IPAM
from cni_hns.conformance.findings import NotApplicable
from cni_hns.conformance.registry import MUST, SHOULD, check
from cni_hns.conformance.results import addresses, interfaces, ip_entries, made_up

__all__ = ["CHECKS"]

_SUCCESS = "section 5, ADD Success"
_PASSED_ON = (
    '"Plugins provided a prevResult key as part of their request configuration must output it '
    'as their result"'
)
_NOT_FOR_IPAM = {IPAM: "an IPAM plugin answers the plugin that runs it, which keeps prevResult itself"}
_EARLIER = "earlier0"


def _earlier(version: str) -> dict[str, Any]:
    """What a plugin before this one made: an interface of another name, outside of the container."""
    return made_up(version, _EARLIER, "")


def _added_after(bench: Bench, stated: str | None = None) -> Added:
    return bench.added(prevResult=_earlier(stated or bench.version))


@check(
    "prevresult.passed-on",
    MUST,
    "interfaces and addresses of `prevResult` are in the result",
    section=f"section 2, ADD; {_SUCCESS}",
    quote=f'"it MUST handle prevResult by either passing it through, or modifying it appropriately"; '
    f"{_PASSED_ON}",
    since="0.3.0",
    not_for=_NOT_FOR_IPAM,
)
def passed_on(bench: Bench) -> None:
    made = _added_after(bench)
    names = [one.get("name") for one in interfaces(made.result)]
    bench.must(
        _EARLIER in names, f"the interface {_EARLIER} of prevResult is not in the result", made.outcome
    )
    found = addresses(made.result)
    bench.must(
        "192.0.2.10" in found, "the address 192.0.2.10 of prevResult is not in the result", made.outcome
    )


@check(
    "prevresult.indices",
    MUST,
    "an address of `prevResult` still points at its interface",
    section=_SUCCESS,
    quote=f"{_PASSED_ON}, and `interface` is an index into the list as it is now",
    since="0.3.0",
    not_for=_NOT_FOR_IPAM,
)
def indices(bench: Bench) -> None:
    made = _added_after(bench)
    listed = interfaces(made.result)
    earlier = [one for one in ip_entries(made.result) if str(one.get("address")).startswith("192.0.2.10/")]
    if not earlier or _EARLIER not in [one.get("name") for one in listed]:
        raise NotApplicable("prevResult is not in the result, see prevresult.passed-on")
    for entry in earlier:
        index = entry.get("interface")
        owner = listed[index].get("name") if isinstance(index, int) and 0 <= index < len(listed) else None
        bench.must(owner == _EARLIER, f"192.0.2.10 now belongs to {owner}, not to {_EARLIER}", made.outcome)


@check(
    "prevresult.other-version",
    SHOULD,
    "a `prevResult` of another version than the configuration's is understood",
    section="section 1, Version considerations; libcni",
    quote="`prevResult` carries a `cniVersion` of its own",
    since="0.4.0",
    not_for=_NOT_FOR_IPAM,
)
def other_version(bench: Bench) -> None:
    other = "0.4.0" if bench.version != "0.4.0" else "0.3.1"
    outcome = bench.add(bench.attachment(), prevResult=_earlier(other))
    bench.must(outcome.ok, f"ADD in {bench.version} with a prevResult of {other} failed", outcome)


CHECKS = (passed_on, indices, other_version)
