"""What `doctor --repair` does by itself: only what no pod can lose its network by.

The table at the end has each repair and what it does, in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cni_hns.binding.errors import ServiceError
from cni_hns.cni.errors import CniError
from cni_hns.doctor.causes import causes
from cni_hns.doctor.stale import (
    files_of,
    files_without_pod,
    leases_without_file,
    leases_without_pod,
    unleased_addresses,
)
from cni_hns.ledger import LedgerBusy, LedgerFault
from cni_hns.verbs import addresses_by_hand
from cni_hns.verbs.addresses_by_hand import Mended, Stale
from cni_hns.verbs.gc_by_hand import by_hand
from cni_hns.verbs.heal import heal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cni_hns.cni.request import Request
    from cni_hns.doctor.finding import Finding
    from cni_hns.doctor.picture import Picture
    from cni_hns.ledger import AttachmentRow
    from cni_hns.node.node import Node

__all__ = ["REPAIRS", "Repair", "Step", "repair"]

_HEALABLE = frozenset({"endpoint-missing", "endpoint-elsewhere", "endpoint-not-listed", "network-missing"})


class Step(NamedTuple):
    """One thing that was done, or could not be: which repair, on what, and what it came to.

    `outcome` begins with "left" where it could not be done, and with "would" where it was only said.
    """

    repair: str
    subject: str
    outcome: str

    @property
    def is_left(self) -> bool:
        return self.outcome.startswith("left")


class _Patient(NamedTuple):
    picture: Picture
    node: Node
    request_for: Callable[[str], Request]
    dry_run: bool


def repair(
    findings: Iterable[Finding],
    picture: Picture,
    node: Node,
    request_for: Callable[[str], Request],
    *,
    dry_run: bool,
) -> Iterator[Step]:
    """Do each repair that a finding names, once, in the order of the table. `dry_run`: only say so.

    What fails as a whole is a step that is left, and the next repair goes on.
    """
    named = {one.repair for one in findings}
    patient = _Patient(picture, node, request_for, dry_run)
    for name, one in REPAIRS.items():
        if name in named:
            yield from _as_far_as_it_goes(name, one.do(patient))


def _as_far_as_it_goes(name: str, steps: Iterator[Step]) -> Iterator[Step]:
    try:
        yield from steps
    except (ServiceError, CniError, LedgerFault, LedgerBusy) as fault:
        yield Step(name, "the rest", f"left: {fault}")


def _heal(patient: _Patient) -> Iterator[Step]:
    rows = [row for row in _rows(patient.picture) if row.phase == "ready"]
    for one in heal(patient.node, rows, dry_run=patient.dry_run):
        yield Step("heal", f"{one.key.words(one.pod)} ({_listed(one.addresses)})", one.outcome)


def _rows(picture: Picture) -> Iterator[AttachmentRow]:
    """The attachments of pods that lack an endpoint or have it in the wrong place."""
    for pod in picture.pods:
        if _HEALABLE & {one.kind for one in causes(pod)}:
            yield from pod.attachments


def _gc(patient: _Patient) -> Iterator[Step]:
    node = patient.node
    if node.ledger_if_any is None:
        return
    for one in by_hand(node, patient.request_for, None, dry_run=patient.dry_run):
        yield Step("gc", f"{one.key.words(one.pod)} ({_listed(one.addresses)}): {one.why}", one.outcome)


def _release(patient: _Patient) -> Iterator[Step]:
    leases = list(leases_without_pod(patient.picture))
    stale = [
        Stale(folder.path, one.address, one.container_id, one.ifname)
        for folder, one in [*files_without_pod(patient.picture), *files_of(leases, patient.picture)]
    ]
    if patient.dry_run:
        for lease in leases:
            yield Step("release", f"address {lease.address} of {lease.key.words()}", "would be released")
        for one in stale:
            yield Step("release", f'address {one.address} in "{one.folder}"', "its file would be removed")
        return
    if leases:
        done = addresses_by_hand.release_leases(patient.node, leases, patient.request_for)
        yield from _steps("release", done)
    yield from _steps("release", addresses_by_hand.remove_files(patient.node, stale))


def _reserve(patient: _Patient) -> Iterator[Step]:
    leases = [lease for _, lease in leases_without_file(patient.picture)]
    if patient.dry_run:
        for lease in leases:
            subject = f"address {lease.address} of {lease.key.words()}"
            yield Step("reserve", subject, "its file would be made")
        return
    yield from _steps("reserve", addresses_by_hand.reserve(patient.node, leases))


def _adopt(patient: _Patient) -> Iterator[Step]:
    for key, token, address in unleased_addresses(patient.picture):
        if patient.dry_run:
            yield Step("adopt", f"address {address} of {key.words()}", "would be held")
        else:
            yield from _steps("adopt", [addresses_by_hand.adopt(patient.node, key, token, address)])


def _steps(name: str, done: list[Mended]) -> Iterator[Step]:
    for one in done:
        yield Step(name, f"address {one.address} of {one.whose}", one.outcome)


def _listed(addresses: list[str]) -> str:
    return ", ".join(addresses) or "no address in the ledger"


class Repair(NamedTuple):
    """What it does, in words, and the step that does it."""

    words: str
    do: Callable[[_Patient], Iterator[Step]]


REPAIRS: dict[str, Repair] = {
    "heal": Repair(
        "makes endpoints again that HNS lost, with the same ID, addresses, MAC and policies, and puts those "
        "back that are in no namespace",
        _heal,
    ),
    "adopt": Repair("holds the addresses of endpoints whose leases the ledger lacks", _adopt),
    "gc": Repair("takes away what proves itself gone, as `cni-hns gc` does", _gc),
    "release": Repair("frees addresses, and removes files, that no source knows an owner of", _release),
    "reserve": Repair("makes the files that host-local's shared folder lacks", _reserve),
}
"""In this order: what running pods have is held before anything is freed."""
