"""Reading a node: one look at each source.

The ledger is read before all others and again after them. What changed in it meanwhile is at work: the other
sources may have been read on either side of the change. The runtime is asked after HCS: what it lists was
begun before.

HNS and HCS are asked in threads of their own where the caller says how long each may take: a call that hangs
in a DLL costs that time, and what would need its answer is left out.
"""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cni_hns.binding.errors import ServiceError
from cni_hns.cni.errors import CniError
from cni_hns.cri.faults import CriFault
from cni_hns.hcn.listing import every
from cni_hns.hcn.views import EndpointView, LoadBalancerView, NamespaceView, NetworkView
from cni_hns.ledger import LedgerBusy, LedgerFault
from cni_hns.survey.questions import Question
from cni_hns.survey.reservations import folders_of
from cni_hns.survey.seen import LedgerTime, Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cri.views import Sandbox
    from cni_hns.hcs.documents.properties import Properties
    from cni_hns.ledger import AttachmentKey, AttachmentRow, Lease, Ledger
    from cni_hns.node.node import Node

__all__ = ["Apart", "Records", "at_work_of", "look", "records_in", "systems_apart", "unless_it_fails"]

_Read = TypeVar("_Read")


class Records(NamedTuple):
    """What a ledger has now; leases first, so that each of a row that was read is of that row."""

    leases: list[Lease]
    rows: dict[AttachmentKey, AttachmentRow]
    time: LedgerTime | None


class Apart(NamedTuple):
    """Each question to HNS and HCS in a thread of its own, for `timeout_s` and with a `node` of its own.

    What hangs keeps its node; all others are closed.
    """

    timeout_s: float
    node: Callable[[], Node]


def look(
    node: Node,
    systems: Callable[[], list[Properties]],
    sandboxes: Callable[[], list[Sandbox]] | None = None,
    apart: Apart | None = None,
) -> Seen:
    """What HNS, HCS and the ledger of this node have now. `systems` asks HCS, `sandboxes` the runtime.

    A source that is not there, refuses or does not answer is None, and `notes` has its reason.
    """
    notes: list[str] = []
    read = partial(unless_it_fails, notes)
    of_hns: list[str] = []
    of_hcs: list[str] = []
    ask = _Asking(node, of_hns, apart)
    damage: list[str] = []
    before = read(lambda: records_in(node.ledger_if_any))
    namespaces = ask("HNS, asked for its namespaces,", _namespaces)
    endpoints = ask("HNS, asked for its endpoints,", _endpoints)
    networks = ask("HNS, asked for its networks,", _networks)
    balancers = ask("HNS, asked for its load balancers,", _load_balancers)
    version = ask("HNS, asked for its version,", _hns_version)
    found = _Asking(node, of_hcs, apart)("HCS, asked for its compute systems,", lambda _: systems())
    answers = namespaces(), endpoints(), networks(), found()
    balanced, versioned = balancers(), version()
    told = None if sandboxes is None else read(sandboxes)
    after = read(lambda: _undamaged(node, damage))
    folders = read(lambda: folders_of(node.machine.host_local_folder(), node.ledger_if_any))
    uptime_s = read(lambda: node.machine.hns_uptime_s() or 0.0)
    return Seen(
        namespaces=answers[0],
        endpoints=answers[1],
        networks=answers[2],
        systems=answers[3],
        sandboxes=told,
        folders=folders,
        hns_uptime_s=uptime_s or 0.0,
        ledger_damage="".join(damage),
        load_balancers=balanced,
        hns_version=versioned,
        rows=None if after is None else list(after.rows.values()),
        leases=None if after is None else after.leases,
        at_work=at_work_of(node, before, after),
        time=None if after is None else after.time,
        notes=tuple(dict.fromkeys([*of_hns, *of_hcs, *notes])),
        of_hns=tuple(dict.fromkeys(of_hns)),
        of_hcs=tuple(dict.fromkeys(of_hcs)),
    )


def systems_apart(apart: Apart) -> list[Properties]:
    """What HCS has, asked by the thread that wants to know: one that hangs is left to itself."""
    from cni_hns.binding.patience import Patience

    with closing(apart.node()) as node:
        return node.systems(Patience(apart.timeout_s, lambda *_: None)).enumerate(None, apart.timeout_s)


class _Asking:
    """Asks HNS and HCS; what it gives waits for the answer, which is None where there is none."""

    def __init__(self, node: Node, notes: list[str], apart: Apart | None) -> None:
        self._node = node
        self._notes = notes
        self._apart = apart

    def __call__(self, what: str, work: Callable[[Node], _Read]) -> Callable[[], _Read | None]:
        if self._apart is None:
            found = unless_it_fails(self._notes, lambda: work(self._node))
            return lambda: found
        made = self._apart.node
        question = Question(what, self._apart.timeout_s, lambda: _with(made(), work))
        return lambda: self._answer(question)

    def _answer(self, question: Question[_Read]) -> _Read | None:
        outcome = question.outcome()
        if outcome.fault:
            self._notes.append(outcome.fault)
        return outcome.value


def _namespaces(node: Node) -> list[NamespaceView]:
    return [NamespaceView.of(one) for one in every(node.hcn.namespaces)]


def _endpoints(node: Node) -> list[EndpointView]:
    return [EndpointView.of(one) for one in every(node.hcn.endpoints)]


def _networks(node: Node) -> list[NetworkView]:
    return [NetworkView.of(one) for one in every(node.hcn.networks)]


def _load_balancers(node: Node) -> list[LoadBalancerView]:
    return [LoadBalancerView.of(one) for one in every(node.hcn.load_balancers)]


def _with(node: Node, work: Callable[[Node], _Read]) -> _Read:
    with closing(node):
        return work(node)


def _undamaged(node: Node, damage: list[str]) -> Records:
    try:
        return records_in(node.ledger_if_any)
    except LedgerFault as fault:
        if fault.is_damage:
            damage.append(" ".join(str(fault).split()))
        raise


def unless_it_fails(notes: list[str], read: Callable[[], _Read]) -> _Read | None:
    """What is read from one source; None where it fails, and `notes` gets the reason on one line."""
    try:
        return read()
    except (ServiceError, CniError, CriFault, LedgerFault, LedgerBusy) as fault:
        notes.append(" ".join(str(fault).split()))
        return None


def _hns_version(node: Node) -> tuple[int, int]:
    return node.hns.version()


def records_in(ledger: Ledger | None) -> Records:
    """What the ledger has now; of one that is not there nothing. Raises: LedgerFault, LedgerBusy."""
    if ledger is None:
        return Records([], {}, None)
    leases = ledger.leases()
    now = ledger.now()
    rows = {row.key: row for row in ledger.attachments()}
    return Records(leases, rows, LedgerTime(now, ledger.wall(now)))


def at_work_of(node: Node, before: Records | None, after: Records | None) -> frozenset[AttachmentKey]:
    """The attachments that changed between two looks at the ledger, or that a living process works on."""
    if before is None or after is None:
        return frozenset()
    keys = before.rows.keys() | after.rows.keys()
    changed = {key for key in keys if _version(before.rows.get(key)) != _version(after.rows.get(key))}
    owned = {key for key, row in after.rows.items() if row.is_unfinished and node.alive(row.owner)}
    return frozenset(changed | owned)


def _version(row: AttachmentRow | None) -> Any:
    return None if row is None else (row.phase, row.token, row.updated_at)
