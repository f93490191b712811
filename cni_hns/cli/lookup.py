"""Finding what an operator types: an id or its beginning, a name, a container's id, an address, a pod's name.

Rule 1: an object's own id and name come first, then the beginning of an id, then the pods that it belongs to.
Rule 2: what fits several objects is none of them: all are listed.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from cni_hns.binding.errors import NotFound
from cni_hns.cli.failure import Failure
from cni_hns.identity import guid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cni_hns.cli.session import Session
    from cni_hns.hcn.client import Family
    from cni_hns.survey.pod import Pod
    from cni_hns.survey.seen import Seen

    # What of a pod is of the kind that is looked for.
    OfPod = Callable[[Pod], Iterable[str]]

__all__ = ["find", "look_at_pods", "network_known", "of_pods", "pods_named", "the_one"]


def find(
    family: Family,
    kind: str,
    text: str,
    pods: Callable[[], Sequence[Pod]] | None = None,
    of_pod: OfPod | None = None,
) -> dict[str, Any]:
    """The document of the one object that is meant; `pods` are asked where it has another id and name.

    Raises:
        Failure: there is none, or the text fits several; the line lists their ids.
    """
    identifier = guid(text)
    found = [identifier] if identifier else family.ids(Name=text) or _beginning(family, text)
    document = _got(family, the_one(kind, text, found))
    if document is None and pods is not None and of_pod is not None:
        ids = {one for pod in pods_named(pods(), text) for one in of_pod(pod)}
        document = _got(family, the_one(kind, text, sorted(ids)))
    if document is None:
        raise Failure(
            f'there is no {kind} with the {"id" if identifier else "name"} "{text}"; see: cni-hns {kind} list'
        )
    return document


def the_one(kind: str, text: str, ids: Sequence[str]) -> str | None:
    """The only one of the ids; None where there is none.

    Raises:
        Failure: there are several.
    """
    if len(ids) > 1:
        listed = ", ".join(sorted(ids))
        raise Failure(
            f'"{text}" is the name of {len(ids)} {kind}s, or fits them; give one of the ids: {listed}'
        )
    return ids[0] if ids else None


def _got(family: Family, identifier: str | None) -> dict[str, Any] | None:
    """None too for one that vanished meanwhile: what counts is that it is not there now."""
    if identifier is None:
        return None
    try:
        return family.get(identifier)
    except NotFound:
        return None


def _beginning(family: Family, text: str) -> list[str]:
    wanted = text.lstrip("{").lower()
    return [one for one in family.ids() if wanted and one.lower().startswith(wanted)]


def look_at_pods(session: Session, data_dir: str | None = None, config: str | None = None) -> Seen:
    """What HNS and the ledger have. HCS is not asked: it may hang, and HNS knows the containers' ids."""
    from cni_hns.survey.look import look

    return look(session.node_with_ledger(data_dir, config), list)


def of_pods(
    session: Session, data_dir: str | None = None, config: str | None = None
) -> Callable[[], list[Pod]]:
    """The pods of the node, read when they are asked for."""
    from cni_hns.survey.joining import pods_of

    return lambda: pods_of(look_at_pods(session, data_dir, config))


def pods_named(pods: Iterable[Pod], text: str) -> list[Pod]:
    """Those that are called so: those with this id, name or address, else those with an id that begins so."""
    wanted = _canonical(text)
    pods = list(pods)
    exact = [one for one in pods if wanted in _words(one)]
    return exact or [one for one in pods if wanted and any(each.startswith(wanted) for each in _ids(one))]


def _canonical(text: str) -> str:
    """As ids and addresses are compared: an address has several spellings."""
    bare = text.strip("{}").lower()
    try:
        return str(ip_address(bare.partition("/")[0]))
    except ValueError:
        return bare


def _ids(pod: Pod) -> set[str]:
    containers = pod.room.containers if pod.room else []
    found = [pod.id, pod.namespace, *containers, *(one.id for one in pod.containers + pod.endpoints)]
    return {one.lower() for one in found if one}


def _words(pod: Pod) -> set[str]:
    told = pod.kubernetes
    names = {told.full_name.lower(), told.name.lower(), told.uid.lower()}
    addresses = {_canonical(one) for one in pod.addresses}
    return {*_ids(pod), *names, *addresses, *(one.name.lower() for one in pod.endpoints)} - {""}


def network_known(session: Session, network: str, data_dir: str | None, config: str | None) -> None:
    """Says nothing of a network that the ledger, HNS or the configuration knows, or that HNS may know.

    Raises:
        Failure: nobody knows it; the line names those that are known.
    """
    seen = look_at_pods(session, data_dir, config)
    ledger = session.node_with_ledger(data_dir, config).ledger_if_any
    named = {
        *(one.key.network for one in seen.rows or ()),
        *(one.network for one in (ledger.leases(all=True) if ledger else ())),
        *(one.name for one in seen.networks or ()),
        *([session.network_of(config)] if config else []),
    }
    if seen.networks is None or network in named or (ledger and ledger.network(network)):
        return
    known = f"known are: {', '.join(sorted(filter(None, named)))}" if any(named) else "none is known"
    where = session.ledger_path(data_dir, config)
    raise Failure(f'there is no network "{network}" in the ledger "{where}", nor in HNS; {known}')
