"""`cni-hns ipam export` and `import`: leases as host-local's files and back, where nobody shares them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Self

import click

from cni_hns.cli.cri import pod_facts
from cni_hns.cli.failure import Failure
from cni_hns.cli.lookup import network_known
from cni_hns.cli.output import print_list
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options
from cni_hns.identity import KubernetesPod
from cni_hns.ipam.hostlocal import import_leases
from cni_hns.ipam.hostlocal_files import Folder

if TYPE_CHECKING:
    from cni_hns.ledger import AttachmentKey, Lease, Ledger

__all__ = ["export", "import_"]

_FOLDER = click.option(
    "--host-local",
    "folder",
    metavar="FOLDER",
    required=True,
    type=click.Path(file_okay=False),
    help="host-local's data folder (its `dataDir`): one folder for each network is in it.",
)
_NETWORK = click.option("--network", metavar="NAME", help="Only this network configuration.")
_PATIENCE_S = 10.0
_COLUMNS = {
    "ADDRESS": "address",
    "NETWORK": "network",
    "OWNER": "owner",
    "POD": "podName",
    "OUTCOME": "outcome",
}


class _Exchanged(NamedTuple):
    """What became of one address; one that is left has another holder on the other side."""

    network: str
    address: str
    owner: str
    outcome: str
    is_left: bool
    key: AttachmentKey

    @classmethod
    def of(cls, lease: Lease, outcome: str, *, is_left: bool = False) -> Self:
        owner = f"{lease.container_id} {lease.ifname}".rstrip()
        return cls(lease.network, lease.address, owner, outcome, is_left, lease.key)

    def facts(self, pod: KubernetesPod) -> dict[str, str | None]:
        return {
            "id": f"{self.network}/{self.address}",
            "address": self.address,
            "network": self.network,
            "owner": self.owner,
            **pod_facts(pod),
            "outcome": self.outcome,
        }


@click.command()
@_FOLDER
@_NETWORK
@ledger_options
@json_option
@in_this_session
def export(
    session: Session,
    *,
    folder: str,
    network: str | None,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> int:
    """Write a reservation of host-local's for each address that is held: before a node goes back to a peer.

    Not needed where the configuration says `"type": "host-local"`: there the files are always right. Said
    twice it is the same. Exit code 1 if somebody else has a file of one of the addresses.
    """
    ledger = session.ledger(data_dir, config)
    if ledger is None:
        session.note_missing_ledger(data_dir, config)
    leases = [] if ledger is None else [*ledger.leases(network)]
    if network is not None and not leases:
        network_known(session, network, data_dir, config)
    networks = dict.fromkeys(lease.network for lease in leases)
    done = [
        one
        for name in networks
        for one in _exported(Folder.of(folder, name), [one for one in leases if one.network == name])
    ]
    return _report(done, ledger, as_json, "no leases: nothing to export")


@click.command("import")
@_FOLDER
@_NETWORK
@ledger_options
@json_option
@in_this_session
def import_(
    session: Session,
    *,
    folder: str,
    network: str | None,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> int:
    """Make leases of host-local's reservations, so that their addresses are given to nobody else.

    Not needed where the configuration says `"type": "host-local"`, or names the folder in `ipam.dataDir`.
    Exit code 1 if the ledger has given one of the addresses to somebody else.
    """
    try:
        names = [network] if network else sorted(one.name for one in os.scandir(folder) if one.is_dir())
    except OSError as fault:
        raise Failure(f'"{folder}" cannot be read: {fault.strerror or fault}') from fault
    node = session.node_with_ledger(data_dir, config, may_begin=True)
    done = [one for name in names for one in _imported(node.ledger, name, Folder.of(folder, name))]
    return _report(done, node.ledger_if_any, as_json, "no reservations: nothing to import")


def _exported(folder: Folder, leases: list[Lease]) -> list[_Exchanged]:
    with folder.locked(_PATIENCE_S):
        return [_written(folder, lease) for lease in leases]


def _written(folder: Folder, lease: Lease) -> _Exchanged:
    other = folder.reserve(lease.address, lease.container_id, lease.ifname)
    if other is None:
        return _Exchanged.of(lease, "written")
    return _Exchanged.of(lease, f"left: its file is that of {other.words}", is_left=True)


def _imported(ledger: Ledger, network: str, folder: Folder) -> list[_Exchanged]:
    if folder.changed_ns() is None:
        raise Failure(f'"{folder.path}" is not there: no reservations of network "{network}"')
    return [
        _Exchanged.of(lease, f"left: {outcome}", is_left=True)
        if isinstance(outcome, str)
        else _Exchanged.of(lease, "taken over" if outcome else "known already")
        for lease, outcome in import_leases(ledger, network, folder)
    ]


def _report(done: list[_Exchanged], ledger: Ledger | None, as_json: bool, nothing: str) -> int:
    pods = {} if ledger is None else ledger.pods()
    rows = [one.facts(pods.get(one.key, KubernetesPod())) for one in done]
    print_list(rows, _COLUMNS, as_json, nothing)
    return 1 if any(one.is_left for one in done) else 0
