"""`cni-hns pod`: what HNS, HCS, the ledger and the runtime know of each pod, and where they disagree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.containers.options import timeout_option
from cni_hns.cli.cri import cri_option, kubernetes_facts, kubernetes_lines, kubernetes_words, pod_facts
from cni_hns.cli.failure import Failure
from cni_hns.cli.groups import Commands
from cni_hns.cli.listing import list_options, watch_option
from cni_hns.cli.lookup import network_known, pods_named
from cni_hns.cli.node_look import look_at_node
from cni_hns.cli.output import print_list, print_object, utc
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cni_hns.hcn.views import EndpointView
    from cni_hns.hcs.documents.properties import Properties
    from cni_hns.ledger import AttachmentRow, Lease
    from cni_hns.survey.pod import Pod
    from cni_hns.survey.seen import LedgerTime, Seen

__all__ = ["facts_of", "find_pod", "pod"]

_Facts = dict[str, Any]

_COLUMNS = {
    "ID": "id",
    "POD": "name",
    "STATE": "state",
    "ADDRESSES": "addresses",
    "NETWORKS": "networks",
    "MISMATCHES": "mismatchWords",
}
_WIDE = {"NAMESPACE": "namespace", "CONTAINERS": "containerIDs"}

# HNS says 0 of a namespace in which nothing runs.
_NO_COMPARTMENT = "none: no container runs in the namespace"


@click.group(cls=Commands)
def pod() -> None:
    """Pods: all that belongs to each, joined and compared.

    Sandbox, containers, namespace, endpoints and addresses. What HNS, the Host Compute System (HCS), the
    ledger or the runtime does not tell is left out, with a note on stderr.
    """


_timeout_option = timeout_option(words="How long a call to HCS may take, and all that the runtime is asked.")


@pod.command("list")
@click.option("--network", metavar="NAME|ID", help="Only those on this network.")
@cri_option
@_timeout_option
@ledger_options
@list_options
@in_this_session
@watch_option
def list_(
    session: Session,
    *,
    network: str | None,
    cri: str | None,
    timeout_s: float,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """List the pods of this node.

    Each with its addresses and every mismatch in words. JSON has an array of all that `pod show` tells.
    """
    seen = look_at_node(session, cri, timeout_s, data_dir, config)
    rows = facts_of(seen)
    if network is not None:
        rows = [one for one in rows if _is_on(one, network)]
        if not rows and not _is_there(seen, network):
            network_known(session, network, data_dir, config)
    shown = rows if as_json else [_row(one) for one in rows]
    print_list(shown, _COLUMNS, as_json, "no pods", wide=_WIDE, block=_lines)


@pod.command()
@click.argument("which", metavar="ID")
@cri_option
@_timeout_option
@ledger_options
@json_option
@in_this_session
def show(
    session: Session,
    *,
    which: str,
    cri: str | None,
    timeout_s: float,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """Show all of one pod.

    ID is that of its sandbox, of its namespace, of a container or of an endpoint, or the beginning of one, or
    an address. It may be the pod's NAMESPACE/NAME or UID too: the runtime told them with the ADD, or is asked
    with --cri.
    """
    seen = look_at_node(session, cri, timeout_s, data_dir, config)
    facts = _facts(find_pod(seen, which), seen)
    print_object(facts if as_json else _readable(facts), as_json)


def facts_of(seen: Seen) -> list[_Facts]:
    """All pods as the commands print them in JSON."""
    return [_facts(one, seen) for one in _pods(seen)]


def _pods(seen: Seen) -> list[Pod]:
    from cni_hns.survey.joining import pods_of

    return pods_of(seen)


def find_pod(seen: Seen, which: str) -> Pod:
    """The pod that is called so.

    Raises:
        Failure: there is none, or there are several.
    """
    found = pods_named(_pods(seen), which)
    if not found:
        raise Failure(f'pod "{which}" not found; see: cni-hns pod list')
    if len(found) > 1:
        ids = ", ".join(one.id or one.namespace for one in found)
        raise Failure(f'{len(found)} pods are "{which}", or have an ID that begins so: {ids}')
    return found[0]


def _facts(one: Pod, seen: Seen) -> _Facts:
    names = {each.id: each.name for each in seen.networks or ()}
    endpoints = [_endpoint(each, names) for each in one.endpoints]
    networks = [*(row.key.network for row in one.attachments), *(each["network"] for each in endpoints)]
    return {
        "id": one.id,
        "state": one.state,
        "mismatches": [each._asdict() for each in one.mismatches],
        "kubernetes": kubernetes_facts(one.sandbox, one.kubernetes),
        "namespace": one.namespace,
        "compartment": one.room.compartment if one.room else None,
        "networks": list(dict.fromkeys(each for each in networks if each)),
        "addresses": one.addresses,
        "containers": [_container(each) for each in one.containers],
        "endpoints": endpoints,
        "attachments": [_attachment(each, seen.time) for each in one.attachments],
        "leases": [_lease(each) for each in one.leases],
    }


def _endpoint(view: EndpointView, names: dict[str, str]) -> _Facts:
    from cni_hns.hns.client import state_words
    from cni_hns.survey.pod import port_mappings

    return {
        "id": view.id,
        "name": view.name,
        "network": names.get(view.network, ""),
        "networkID": view.network,
        "namespace": view.namespace,
        "state": state_words(view.state),
        "addresses": view.address_texts,
        "mac": view.mac,
        "portMappings": port_mappings(view),
    }


def _container(found: Properties) -> _Facts:
    from cni_hns.hcs.isolation import isolation_of

    return {
        "id": found.id,
        "isolation": str(isolation_of(found)),
        "state": "Stopped" if found.stopped else str(found.state),
        "owner": found.owner,
    }


def _attachment(row: AttachmentRow, time: LedgerTime | None) -> _Facts:
    from cni_hns.survey.pod import last_verb

    at = None if time is None else time.wall_of(row.updated_at)
    return {
        "network": row.key.network,
        "ifname": row.key.ifname,
        **pod_facts(row.pod),
        "podInfraContainerID": row.pod.infra_container_id or None,
        "phase": row.phase,
        "lastVerb": last_verb(row),
        "at": None if at is None else utc(at),
        "endpoint": row.endpoint_id,
        "netns": row.netns,
        "result": _result(row),
    }


def _result(row: AttachmentRow) -> Any:
    """What ADD printed: JSON, unless the ledger was written to by hand."""
    try:
        return json.loads(row.result or "null")
    except ValueError:
        return row.result


def _lease(lease: Lease) -> _Facts:
    return {
        "network": lease.network,
        "address": lease.address,
        "prefix": lease.prefix,
        "gateway": lease.gateway,
        "ifname": lease.ifname,
        "origin": lease.origin,
    }


def _is_there(seen: Seen, network: str) -> bool:
    wanted = network.strip("{}").lower()
    return any(wanted == one.id for one in seen.networks or ())


def _is_on(facts: _Facts, network: str) -> bool:
    ids = {one["networkID"] for one in facts["endpoints"]}
    return network in facts["networks"] or network.strip("{}").lower() in ids


def _row(facts: _Facts) -> _Facts:
    """What a table has of it: a pod whose sandbox nobody knows is called by its namespace."""
    told = facts["kubernetes"]
    return {
        **facts,
        "id": facts["id"] or facts["namespace"],
        "name": "/".join(filter(None, (told["namespace"], told["name"]))) if told else "",
        "mismatchWords": [one["words"] for one in facts["mismatches"]],
        "containerIDs": [one["id"] for one in facts["containers"]],
    }


def _lines(facts: Mapping[str, Any]) -> list[str]:
    """A pod in the list."""
    place = f"namespace {facts['namespace']}" if facts["namespace"] else "no namespace"
    addresses = ", ".join(facts["addresses"]) or "no address"
    networks = ", ".join(facts["networks"])
    containers = ", ".join(f"{one['id']} {one['state']}" for one in facts["containers"])
    lines = [
        "a pod without a known sandbox" if facts["id"] == facts["namespace"] else "",
        *kubernetes_lines(facts["kubernetes"]),
        {"changing": "changing: a call works on it now", "ok": "ok"}.get(facts["state"], ""),
        *(f"MISMATCH {one['words']}" for one in facts["mismatches"]),
        f"{addresses} on {networks}" if networks else addresses,
        place,
        f"containers: {containers}" if containers else "",
    ]
    return [one for one in lines if one]


def _readable(facts: _Facts) -> _Facts:
    """Each list as lines."""
    return {
        **facts,
        "compartment": _NO_COMPARTMENT if facts["compartment"] == 0 else facts["compartment"],
        "mismatches": [one["words"] for one in facts["mismatches"]],
        "kubernetes": kubernetes_words(facts["kubernetes"]),
        "containers": [
            f"{one['id']}: {_words(one, 'isolation', 'state', 'owner')}" for one in facts["containers"]
        ],
        "endpoints": [_endpoint_words(one) for one in facts["endpoints"]],
        "attachments": [_attachment_words(one) for one in facts["attachments"]],
        "leases": [
            f"{one['address']}/{one['prefix']} on {one['network']}: {one['origin']}"
            for one in facts["leases"]
        ],
    }


def _endpoint_words(one: _Facts) -> str:
    facts = [
        *one["addresses"],
        one["state"],
        f"MAC {one['mac']}" if one["mac"] else "",
        f"network {one['network'] or one['networkID']}",
        *(f"port {each}" for each in one["portMappings"]),
    ]
    return f"{one['id']}: {', '.join(each for each in facts if each)}"


def _attachment_words(one: _Facts) -> str:
    when = f"at {one['at']}" if one["at"] else "before this boot"
    return f"{one['ifname']} on {one['network']}: {one['phase']}, {one['lastVerb']} {when}"


def _words(facts: _Facts, *members: str) -> str:
    return ", ".join(facts[one] for one in members if facts[one])
