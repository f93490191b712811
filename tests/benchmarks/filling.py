"""Leases of other pods on a station: rows of our ledger, or host-local's files.

Both hold `count` addresses in a row from the range's beginning, each of a pod of its own, and both remember
the last of them as the one given last.
"""

from __future__ import annotations

import uuid
from ipaddress import IPv4Address

from cni_hns.binding.processes import Owner
from cni_hns.deadline import Deadline
from cni_hns.identity import endpoint_id
from cni_hns.ledger import AttachmentKey, AttachmentRow, Lease, Ledger, open_ledger
from cni_hns.ledger.addresses import address_key
from tests.benchmarks.subjects import FOLDER, NETWORK, Station

__all__ = ["fill"]

_FIRST = IPv4Address("10.50.0.10")
_BUDGET_S = 600.0


def fill(station: Station, count: int) -> None:
    """Give the station so many leases."""
    if station.subject.name == FOLDER:
        _fill_ledger(station, count)
    else:
        _fill_host_local(station, count)


def _fill_host_local(station: Station, count: int) -> None:
    station.reservations.mkdir(parents=True)
    for number in range(count):
        # The file's name is the address; host-local ends lines as Windows does, on every system.
        file = station.reservations / str(_FIRST + number)
        file.write_text(f"{_container()}\r\neth0", newline="")
    (station.reservations / "last_reserved_ip.0").write_text(str(_FIRST + count - 1))


def _fill_ledger(station: Station, count: int) -> None:
    """Rows like those of a pod that the program itself has attached, who goes again."""
    pod = station.pod()
    station.must("ADD", pod)
    ledger = open_ledger(str(station.ledger), Deadline(_BUDGET_S))
    try:
        (model,), (lease,) = ledger.attachments(), ledger.leases()
    finally:
        ledger.close()
    station.must("DEL", pod)
    ledger = open_ledger(str(station.ledger), Deadline(_BUDGET_S))
    try:
        with ledger.transaction():
            for number in range(count):
                _attach(ledger, model, lease._replace(address=str(_FIRST + number)))
            ledger.keep_cursor(NETWORK, lease.range_set, address_key(str(_FIRST + count - 1)))
    finally:
        ledger.close()


def _attach(ledger: Ledger, model: AttachmentRow, lease: Lease) -> None:
    container = _container()
    key = AttachmentKey(NETWORK, container, "eth0")
    token = uuid.uuid4().hex
    ledger.claim(
        key,
        "adding",
        fingerprint=model.fingerprint,
        namespace_id=str(uuid.uuid4()),
        owner=model.owner,
        token=token,
        deadline_at=model.deadline_at,
        alive=_nobody,
    )
    ledger.hold(lease._replace(container_id=container))
    ledger.make_ready(
        key,
        token,
        model.result or "",
        endpoint_id=endpoint_id(*key),
        hcn_network_id=model.hcn_network_id,
        request=model.request,
    )


def _nobody(_: Owner) -> bool:
    return False


def _container() -> str:
    return uuid.uuid4().hex * 2
