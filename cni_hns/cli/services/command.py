"""`cni-hns service`: the load balancers of this node, read as the Kubernetes services that they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.deletion import deletion_options, may_delete
from cni_hns.cli.failure import Failure
from cni_hns.cli.groups import Commands
from cni_hns.cli.listing import list_options
from cni_hns.cli.output import print_json, print_list, print_paragraph
from cni_hns.cli.services.looking import look_around, node_options, objects_options, wanted_by
from cni_hns.cli.session import Session, in_this_session, json_option

if TYPE_CHECKING:
    from cni_hns.services.explanation import Explanation
    from cni_hns.services.service import Service

__all__ = ["service"]

_KINDS = {
    "cluster-ip": "ClusterIP",
    "node-port": "NodePort",
    "external-ip": "ExternalIP",
    "load-balancer": "LoadBalancer",
    "health-check": "HealthCheck",
}
_PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}
_COLUMNS = {"FRONT END": "frontEnd", "KIND": "kind", "BACK ENDS": "ends", "ID": "id"}
_WIDE = {"FAMILY": "family", "HOW": "manner"}
_NOT_OURS = (
    "`cni-hns service create` did not make it; its service would not answer until kube-proxy starts anew"
)
_PORT = click.IntRange(1, 0xFFFF)


@click.group(cls=Commands)
def service() -> None:
    """Kubernetes services as this node has them: what kube-proxy put into HNS.

    The node answers by itself, also while the cluster's API is away.
    """


@service.command("list")
@node_options
@list_options
@in_this_session
def list_(session: Session, /, *, as_json: bool, **node: Any) -> None:
    """List every front end: address, kind, and back ends on this node and on others.

    HNS keeps no name of a service. The kind follows from the load balancer's shape; where two kinds have one
    shape, both stand there.
    """
    from cni_hns.cli.services.screens import lines_of, row_of, service_facts

    found = _services(session, node)
    rows = [service_facts(one) if as_json else row_of(one) for one in found]
    print_list(rows, _COLUMNS, as_json, "no load balancers", wide=_WIDE, block=lines_of)


@service.command()
@click.argument("which", metavar="VIP:PORT|PORT|ID|NAMESPACE/NAME")
@objects_options
@node_options
@json_option
@in_this_session
def explain(
    session: Session,
    /,
    *,
    which: str,
    objects: str | None,
    node_name: str | None,
    as_json: bool,
    **node: Any,
) -> int:
    """Walk from a front end to its pods, and name the first thing that is wrong.

    The argument is as 10.96.0.10:80 or [fd00::a]:53/udp, a node port such as 30080/tcp, or the ID of a load
    balancer. With --objects it may be the Service's NAMESPACE/NAME, and what Kubernetes wants is compared.

    Exit code 1 if clients do not get through.
    """
    from cni_hns.cli.services.screens import explained_facts, print_explained
    from cni_hns.services.explanation import explain_all

    around = look_around(session, **node)
    wanted = wanted_by(objects, node_name, around)
    found = _chosen(explain_all(around, wanted), which, has_objects=wanted is not None)
    if as_json:
        print_json([explained_facts(one) for one in found])
    else:
        for one in found:
            print_explained(one)
    return _exit_code(found)


@service.command()
@objects_options
@node_options
@json_option
@in_this_session
def verify(
    session: Session, /, *, objects: str | None, node_name: str | None, as_json: bool, **node: Any
) -> int:
    """Examine all services, for a scheduled task: exit code 0 if each of them works, 1 if one does not.

    With --objects also services that HNS should have and does not.
    """
    from cni_hns.cli.services.screens import explained_facts, print_explained
    from cni_hns.services.explanation import explain_all

    around = look_around(session, **node)
    found = explain_all(around, wanted_by(objects, node_name, around))
    ill = [one for one in found if one.verdict != "ok"]
    if as_json:
        print_json(
            {
                "ok": _exit_code(found) == 0,
                "frontEnds": len(found),
                "faulty": [explained_facts(one) for one in ill],
            }
        )
    else:
        for one in ill:
            print_explained(one)
        click.echo(f"{len(found)} front ends, {sum(one.verdict == 'ill' for one in found)} of them ill")
    return _exit_code(found)


@service.command()
@click.option("--kind", type=click.Choice(list(_KINDS)), default="cluster-ip", help="As kube-proxy makes it.")
@click.option("--vip", default="", metavar="IP", help="Its address; none for a node port.")
@click.option("--port", type=_PORT, required=True, help="The clients' port (the node port).")
@click.option("--protocol", type=click.Choice(list(_PROTOCOLS)), default="tcp", help="Default: tcp.")
@click.option("--target-port", type=_PORT, help="The pods' port (default: the same).")
@click.option(
    "--backend", "backends", multiple=True, metavar="ID|IP", help="An endpoint; may be given again."
)
@click.option("--source-vip", default="", metavar="IP", help="Whose address packets to other nodes have.")
@click.option("--dsr", is_flag=True, help="Direct server return.")
@click.option("--affinity", is_flag=True, help="A client stays with its back end.")
@click.option("--preserve-destination", is_flag=True, help="As with the annotation of this name.")
@node_options
@json_option
@in_this_session
def create(
    session: Session,
    /,
    *,
    kind: str,
    vip: str,
    port: int,
    protocol: str,
    target_port: int | None,
    backends: tuple[str, ...],
    source_vip: str,
    dsr: bool,
    affinity: bool,
    preserve_destination: bool,
    as_json: bool,
    **node: Any,
) -> None:
    """Make a load balancer as kube-proxy makes it, for tests and harnesses.

    kube-proxy deletes every load balancer of the node when it starts, this one too.
    """
    from cni_hns.services.making import Asked, Refusal, document_of

    for name, text in (("--vip", vip), ("--source-vip", source_vip)):
        _demand_address(name, text)
    asked = Asked(
        kind=_KINDS[kind],
        vip=vip,
        port=port,
        protocol=_PROTOCOLS[protocol],
        target_port=target_port or port,
        backends=backends,
        source_vip=source_vip,
        has_dsr=dsr,
        has_affinity=affinity,
        preserves_destination=preserve_destination,
    )
    try:
        document = document_of(asked, look_around(session, **node))
    except Refusal as fault:
        raise Failure(str(fault)) from fault
    with session.hcn.load_balancers.create(document) as made:
        made.query()
    fresh = next(one for one in _services(session, node) if one.balancer.id == made.id)
    _print_made(fresh, as_json)


@service.command()
@click.argument("which", metavar="VIP:PORT|PORT|ID")
@deletion_options
@node_options
@json_option
@in_this_session
def delete(
    session: Session, /, *, which: str, force: bool, dry_run: bool, as_json: bool, **node: Any
) -> None:
    """Delete a load balancer that `service create` made.

    One of kube-proxy's is left alone without --force: kube-proxy does not know that it is gone, and does not
    make it again before its Service or its endpoints change, or kube-proxy starts.
    """
    from cni_hns.cli.services.screens import service_facts
    from cni_hns.services.explanation import Explanation
    from cni_hns.services.making import OWNER

    there = [Explanation(one.frontend, one, None, []) for one in _services(session, node)]
    found = {
        one.service.balancer.id: one.service
        for one in _chosen(there, which, has_objects=False)
        if one.service
    }
    if len(found) > 1:
        raise Failure(
            f'{len(found)} load balancers fit "{which}"; give one of their ids: {", ".join(sorted(found))}'
        )
    ((guid, chosen),) = found.items()
    against = [] if chosen.balancer.owner == OWNER else [_NOT_OURS]
    facts = service_facts(chosen)
    if not may_delete("load balancer", facts, against, force=force, dry_run=dry_run, as_json=as_json):
        return
    session.hcn.load_balancers.delete(guid)
    if as_json:
        print_json({**facts, "deleted": True})
    else:
        print_paragraph("", f"deleted load balancer {guid}: it was {chosen.frontend.words}, {chosen.kind}")


def _services(session: Session, node: dict[str, Any]) -> list[Service]:
    from cni_hns.services.service import services_of

    return services_of(look_around(session, **node, ports=False))


def _chosen(all_of_them: list[Explanation], which: str, *, has_objects: bool) -> list[Explanation]:
    """Those that fit what was typed.

    Raises:
        Failure: none does; the line says what is near.
    """
    from cni_hns.identity import guid
    from cni_hns.services.frontend import asked

    identifier, front = guid(which), asked(which)
    if identifier is not None:
        found = [one for one in all_of_them if one.service and one.service.balancer.id == identifier]
    elif front is not None:
        found = [one for one in all_of_them if front.fits(one.frontend)]
    elif not has_objects and "/" in which:
        raise Failure(
            f'"{which}" is a Service\'s name, which HNS does not keep. Next: give its VIP:PORT, or add '
            "--objects FILE from: kubectl get svc,endpointslices -A -o json"
        )
    else:
        found = [one for one in all_of_them if one.name == which]
    if not found:
        raise Failure(_nothing(all_of_them, which))
    return found


def _nothing(all_of_them: list[Explanation], which: str) -> str:
    from cni_hns.services.frontend import asked

    front = asked(which)
    near = sorted(
        {one.frontend.words for one in all_of_them if front and one.frontend.vip == front.vip != ""}
    )
    if near:
        return f'no load balancer has "{which}"; its address has {", ".join(near)}'
    return (
        f'no load balancer has "{which}": kube-proxy did not make it, or somebody deleted it. Next: '
        "`cni-hns service list` shows what there is; if it should be there: `Restart-Service kube-proxy`"
    )


def _demand_address(option: str, text: str) -> None:
    from cni_hns.binding.reading import is_address

    if text and not is_address(text):
        raise click.UsageError(f'{option} "{text}" is no IP address')


def _print_made(made: Service, as_json: bool) -> None:
    from cni_hns.cli.services.screens import service_facts

    if as_json:
        print_json(service_facts(made))
    else:
        print_paragraph(
            "", f"made load balancer {made.balancer.id}: it is {made.frontend.words}, {made.kind}"
        )


def _exit_code(found: list[Explanation]) -> int:
    return 1 if any(one.verdict == "ill" for one in found) else 0
