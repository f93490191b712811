"""`cni-hns ipam`: the addresses that the ledger has given out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cni_hns.attachment.holders import by_address
from cni_hns.attachment.release import leases_named
from cni_hns.attachment.release import release as release_leases
from cni_hns.attachment.reservations import Reservations
from cni_hns.cli.collection import requests_of
from cni_hns.cli.configurations import plugin_configuration
from cni_hns.cli.cri import pod_facts
from cni_hns.cli.failure import Failure
from cni_hns.cli.groups import Commands
from cni_hns.cli.listing import list_options, watch_option
from cni_hns.cli.lookup import network_known
from cni_hns.cli.output import print_list, utc
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options
from cni_hns.cni.protocol import identifier_fault
from cni_hns.dialects.findings import ConfigFault
from cni_hns.hcn.views import NetworkView
from cni_hns.identity import KubernetesPod
from cni_hns.ipam import reservations
from cni_hns.ipam.errors import AddressUnavailable, RangeExhausted
from cni_hns.ledger import AttachmentKey

if TYPE_CHECKING:
    from cni_hns.dialects.plan import AttachmentPlan
    from cni_hns.ledger import Lease, Ledger
    from cni_hns.node.node import Node

__all__ = ["ipam"]

_HELD = {"ADDRESS": "address", "NETWORK": "network", "CONTAINER": "containerID", "IFNAME": "ifname"}
_POD = {"POD": "podName"}
_ALL = {**_HELD, "STATE": "state", "UNTIL": "until", **_POD}


@click.group(cls=Commands)
def ipam() -> None:
    """Addresses and who holds them."""


@ipam.command("list")
@click.option("--all", "everything", is_flag=True, help="Addresses that are set aside for a time, too.")
@click.option("--network", metavar="NAME", help="Only those of this network configuration.")
@ledger_options
@list_options
@in_this_session
@watch_option
def list_(
    session: Session,
    *,
    everything: bool,
    network: str | None,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """List the leases held now."""
    ledger = session.ledger(data_dir, config)
    if ledger is None:
        session.note_missing_ledger(data_dir, config)
    leases = [] if ledger is None else ledger.leases(network, all=everything)
    if network is not None and not leases:
        network_known(session, network, data_dir, config)
    pods = {} if ledger is None else ledger.pods()
    rows = [_facts(lease, everything, _until(ledger, lease), pods.get(lease.key)) for lease in leases]
    print_list(rows, _ALL if everything else {**_HELD, **_POD}, as_json, "no leases", key="address")


@ipam.command()
@click.argument("what", metavar="ADDRESS|CONTAINER")
@click.option("--network", metavar="NAME", help="Only in this network configuration.")
@ledger_options
@json_option
@in_this_session
def release(
    session: Session,
    *,
    what: str,
    network: str | None,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> int:
    """Free an address, or all of a container or owner, that no pod has any more.

    What nobody has is released already. An address that a running pod, or any endpoint of HNS, has is not:
    exit code 1.
    """
    node = session.node_with_ledger(data_dir, config)
    leases = [] if node.ledger_if_any is None else leases_named(node, what, network)
    if network is not None and not leases:
        network_known(session, network, data_dir, config)
    # Before: a lease that is released takes its attachment's row with it.
    pods = node.ledger.pods() if leases else {}
    done = release_leases(node, leases, requests_of(config, [])) if leases else []
    rows = [
        {
            **_facts(one.lease, everything=False, pod=pods.get(one.lease.key)),
            "outcome": f"left: {one.refusal}" if one.refusal else "released",
        }
        for one in done
    ]
    print_list(
        rows, {**_HELD, **_POD, "OUTCOME": "outcome"}, as_json, f'nobody has "{what}": nothing to release'
    )
    return 1 if any(one.refusal for one in done) else 0


@ipam.command()
@click.option("--network", metavar="NAME", required=True, help="The network configuration's name.")
@click.option("--owner", metavar="TEXT", required=True, help="Who has it: a word, such as kube-proxy.")
@click.option("--address", metavar="ADDRESS", help="Just this one (default: the next of each range set).")
@ledger_options
@json_option
@in_this_session
def reserve(
    session: Session,
    *,
    network: str,
    owner: str,
    address: str | None,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """Keep an address for somebody who is no pod: kube-proxy's source VIP, a host's own.

    Said twice it is the same address. Without --address the ranges are those of the configuration in
    --config.
    """
    for what, text in (("network", network), ("owner", owner)):
        fault = identifier_fault(text)
        if fault:
            raise Failure(f'the {what} "{text}" {fault}')
    node = session.node_with_ledger(data_dir, config, may_begin=True)
    files = _files_of(network, node, config)
    files.prepare()
    try:
        if address is not None:
            leases = [reservations.reserve_address(node.ledger, network, owner, address)]
        else:
            leases = reservations.reserved_for(node.ledger, network, owner) or _next_ones(
                node, network, owner, config
            )
    except ConfigFault:
        raise  # it is a ValueError, too, and says more
    except (AddressUnavailable, RangeExhausted, ValueError) as fault:
        raise Failure(str(fault)) from fault
    _make_files(files, node, leases, in_turn=address is None)
    rows = [{**_facts(lease, everything=False), "owner": owner} for lease in leases]
    print_list(rows, {"ADDRESS": "address", "NETWORK": "network", "OWNER": "owner"}, as_json, "")


def _files_of(network: str, node: Node, config: str | None) -> Reservations:
    """host-local's folder of this network: the configuration's, else the one that its pods have."""
    if config is None:
        return Reservations.known(network, node)
    return Reservations.of(plugin_configuration(config), network, node)


def _make_files(files: Reservations, node: Node, leases: list[Lease], *, in_turn: bool) -> None:
    """Raises: Failure: somebody else has a file of one of the addresses; none of them is reserved then."""
    if not leases:
        return
    others = files.make(leases[0].key, leases, in_turn=in_turn)
    if others:
        files.drop(leases)
        reservations.release(node.ledger, leases)
        words = ", ".join(one.words for one in others)
        raise Failure(f"host-local's folder has the address already, for {words}: take another one")


def _next_ones(node: Node, network: str, owner: str, config: str | None) -> list[Lease]:
    """None that host-local has a file for, or that an endpoint has, whoever made it."""
    if config is None:
        raise Failure("which ranges? Name the configuration with --config, or the address with --address")
    document = plugin_configuration(config)
    if document.get("name") != network:
        raise Failure(f'"{config}" is the configuration of network "{document.get("name")}", not "{network}"')
    from cni_hns.dialects.compile import compile_plan

    plan = compile_plan(document)
    if plan.ipam.kind != "builtin":
        raise Failure(f'"{config}" has no addresses of this plugin: another IPAM gives them')
    Reservations.of(document, network, node).look()
    excluded = [*plan.ipam.reserved, *plan.gateways, *by_address(node)]
    if plan.ipam.pools:
        return _next_of_pools(node, network, owner, plan, excluded)
    return reservations.reserve(node.ledger, network, owner, plan.ipam.range_sets, excluded)


def _next_of_pools(
    node: Node, network: str, owner: str, plan: AttachmentPlan, excluded: list[str]
) -> list[Lease]:
    from cni_hns.ipam import pools

    known = node.ledger.network(plan.network.name)
    subnets = NetworkView.of(known.document).subnets if known is not None else plan.network.subnets
    if not subnets:
        raise Failure(f'the subnets of HCN network "{plan.network.name}" are not known: give the --address')
    key = AttachmentKey(network, owner, "")
    pools.allocate(node.ledger, key, plan.ipam.pools, subnets, excluded=excluded, origin="reserved")
    return reservations.reserved_for(node.ledger, network, owner)


def _until(ledger: Ledger | None, lease: Lease) -> str | None:
    return None if ledger is None or lease.until is None else utc(ledger.wall(lease.until))


def _facts(
    lease: Lease, everything: bool, until: str | None = None, pod: KubernetesPod | None = None
) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "id": lease.id,
        "network": lease.network,
        "address": lease.address,
        "containerID": lease.container_id,
        "ifname": lease.ifname,
        **pod_facts(pod or KubernetesPod()),
    }
    if not everything:
        return facts
    return {
        **facts,
        "state": lease.state,
        "until": until,
        "prefix": lease.prefix,
        "gateway": lease.gateway,
        "origin": lease.origin,
    }
