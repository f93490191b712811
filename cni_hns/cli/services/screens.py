"""Services as JSON for programs, and as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.output import print_object
from cni_hns.hns.client import state_words
from cni_hns.log import one_line
from cni_hns.services.fault import KINDS
from cni_hns.services.walk import remedy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cni_hns.services.explanation import Explanation
    from cni_hns.services.fault import Fault
    from cni_hns.services.service import Backend, Service

__all__ = ["explained_facts", "lines_of", "print_explained", "row_of", "service_facts"]

_MANY = 3


def service_facts(service: Service) -> dict[str, Any]:
    """All of one front end."""
    front, port, network = service.frontend, service.port, service.network
    return {
        "frontEnd": front.words,
        "vip": front.vip or None,
        "port": front.port or None,
        "protocol": front.words.rpartition("/")[2],
        "family": front.family,
        "kinds": list(service.kinds),
        "targetPort": port.internal if port else None,
        "dsr": service.has_dsr,
        "affinity": service.has_affinity,
        "sourceVIP": service.balancer.source_vip or None,
        "network": network.name if network else None,
        "backEnds": [_backend_facts(one) for one in service.backends],
        "id": service.balancer.id,
    }


def row_of(service: Service) -> dict[str, Any]:
    """A front end in the list."""
    manners = ["DSR"] * service.has_dsr + ["affinity ClientIP"] * service.has_affinity
    source = service.balancer.source_vip
    return {
        "frontEnd": service.frontend.words,
        "kind": service.kind,
        "family": service.frontend.family,
        "ends": _counted([one.place for one in service.backends]),
        "manner": ", ".join([*manners, *([f"source VIP {source}"] if source else [])]),
        "id": service.balancer.id,
        "name": service.frontend.words,
    }


def lines_of(row: Mapping[str, Any]) -> list[str]:
    """The row below its load balancer's ID, where the terminal is too narrow for a table."""
    kind = f"{row['kind']}, {row['family']}, back ends: {row['ends']}"
    return [row["frontEnd"], kind, *([row["manner"]] if row["manner"] else [])]


def explained_facts(one: Explanation) -> dict[str, Any]:
    """One answer for programs."""
    return {
        "frontEnd": one.frontend.words,
        "service": one.name or None,
        "kind": one.kind or None,
        "verdict": one.verdict,
        "next": one.next_step or None,
        "faults": [_fault_facts(fault) for fault in one.faults],
        "loadBalancer": service_facts(one.service) if one.service else None,
    }


def print_explained(one: Explanation) -> None:
    """One answer for people: what it is, its back ends, what is wrong first, and the rest in short."""
    click.echo(f"{one.frontend.words}: {one.verdict}")
    print_object(_heads(one), as_json=False)
    for backend in one.service.backends if one.service else ():
        for line in _backend_lines(backend):
            click.echo(one_line(line))
    print_object(_tails(one), as_json=False)


def _heads(one: Explanation) -> dict[str, Any]:
    service = one.service
    named = {"  service": one.name, "  kind": one.kind}
    if service is None:
        return named
    return {
        **named,
        "  load balancer": service.balancer.id,
        "  network": f"{service.network.name} ({service.network.type})" if service.network else "",
        "  target port": service.port.internal if service.port else "",
        "  direct return": "yes" if service.has_dsr else "no",
        "  affinity": "ClientIP" if service.has_affinity else "none",
        "  source VIP": service.balancer.source_vip or "none",
        "  back ends": _counted([each.place for each in service.backends]),
    }


def _tails(one: Explanation) -> dict[str, Any]:
    if not one.faults:
        why = "none of its back ends is on this node, and its policy is Local: no load balancer"
        return {} if one.service else {"  why": why}
    first, *others = one.faults
    return {
        "  wrong": first.words,
        "  pods": _named(first.pods),
        "  effect": KINDS[first.kind].effect,
        "  next": one.next_step,
        "  also": [fault.words for fault in others],
    }


def _named(pods: tuple[str, ...]) -> str:
    """The first few: an answer has to fit a screen; JSON has all."""
    more = f" and {len(pods) - _MANY} more" if len(pods) > _MANY else ""
    return ", ".join(pods[:_MANY]) + more


def _counted(places: list[str]) -> str:
    found = [f"{places.count(each)} {each}" for each in ("local", "remote", "missing") if each in places]
    return ", ".join(found) or "none"


def _backend_facts(one: Backend) -> dict[str, Any]:
    return {
        "id": one.id,
        "place": one.place,
        "addresses": one.addresses,
        "mac": one.endpoint.mac if one.endpoint else None,
        "madeByKubeProxy": one.is_of_kube_proxy,
        "state": state_words(one.endpoint.state) if one.endpoint else None,
        "pod": one.pod or None,
        "node": one.provider or None,
        "namespace": one.endpoint.namespace if one.endpoint else None,
    }


def _backend_lines(one: Backend) -> list[str]:
    """No line is folded: an ID that was broken could not be copied."""
    lines = [_whereabouts(one), f"endpoint {one.id}"]
    first = f"    {', '.join(one.addresses) or 'no address'} {one.place}"
    return [first, *(f"      {line}" for line in lines if line)]


def _whereabouts(one: Backend) -> str:
    if one.pod:
        return f"pod {one.pod}"
    if one.place == "local" and one.endpoint is not None:
        return f"no pod, in namespace {one.endpoint.namespace}" if one.endpoint.namespace else "no pod"
    return f"node {one.provider}" if one.provider else ""


def _fault_facts(fault: Fault) -> dict[str, Any]:
    kind = KINDS[fault.kind]
    return {
        "kind": fault.kind,
        "severity": kind.severity,
        "words": fault.words,
        "pods": list(fault.pods),
        "effect": kind.effect,
        "next": remedy(fault),
    }
