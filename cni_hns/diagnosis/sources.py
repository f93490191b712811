"""What HNS, HCS and the ledger say, as documents that may leave the node: each question in its own thread.

One that hangs costs the others nothing, and is told by the question that has no answer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.binding.errors import NotFound, ServiceError
from cni_hns.binding.patience import Patience
from cni_hns.diagnosis.bounded import Outcome, all_within
from cni_hns.diagnosis.clean import RESULT_MEMBERS, hns_members, known_only, system_only
from cni_hns.hcn.listing import every
from cni_hns.hcn.views import EndpointView, LoadBalancerView, NamespaceView, NetworkView
from cni_hns.hcs.documents.properties import Properties
from cni_hns.ledger.blocks import Blocks
from cni_hns.ledger.records import records_of
from cni_hns.survey.look import Records, at_work_of, records_in, unless_it_fails
from cni_hns.survey.reservations import folders_of
from cni_hns.survey.seen import FolderSeen, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from cni_hns.cri.views import Sandbox
    from cni_hns.ledger import AttachmentRow, Lease
    from cni_hns.ledger.blocks import Block
    from cni_hns.node.node import Node

__all__ = ["Sources", "read_sources", "seen_in"]

Document = dict[str, Any]

# The ledger is read twice; of a healthy node all of it takes no time worth sharing.
_SHARE_OF_THE_LEDGER = 0.15
_SHARE_OF_THE_QUESTIONS = 0.7

# All but `leases`, which are in the ledger's rows.
_BUNDLED = (
    *("networks", "endpoints", "namespaces", "loadBalancers", "sdnRoutes", "v1Networks", "v1Endpoints"),
    *(
        "portPools",
        "endpointStatistics",
        "hnsVersion",
        "windowsBuild",
        "systems",
        "ledger",
        "ledgerIntegrity",
    ),
)

# More objects than a node has; a list that never ends must not fill the disk.
_MOST_OBJECTS = 20_000
_MOST_STATISTICS = 500


class Sources(NamedTuple):
    """What each question came to, and what the ledger had before and after they were asked."""

    outcomes: dict[str, Outcome]
    before: Records | None
    after: Records | None
    notes: tuple[str, ...]

    def documents(self, name: str) -> Any:
        """The answer; None where there was none, or nobody asked."""
        return self.outcomes[name].value if name in self.outcomes else None

    def silent(self, *names: str) -> tuple[str, ...]:
        """Why these questions have no answer; of those that have one, nothing."""
        asked = {name: self.outcomes[name] for name in names if name in self.outcomes}
        return tuple(f"{name}: {one.reason}" for name, one in asked.items() if not one.answered)


def read_sources(
    make_node: Callable[[], Node],
    timeout_s: float,
    sandboxes: Callable[[], list[Sandbox]] | None = None,
    only: Collection[str] | None = None,
) -> Sources:
    """Ask everything, or only these questions, for so many seconds at the most.

    `make_node` gives a node that nobody else uses.
    """

    def of_node(read: Callable[[Node], Any]) -> Callable[[], Any]:
        def work() -> Any:
            node = make_node()
            try:
                return read(node)
            finally:
                node.close()

        return work

    ledger_s, asked_s = timeout_s * _SHARE_OF_THE_LEDGER, timeout_s * _SHARE_OF_THE_QUESTIONS
    ledger = of_node(lambda node: records_in(node.ledger_if_any))
    before = all_within(ledger_s, {"before": ledger})["before"]
    asked = {name: of_node(read) for name, read in _questions(asked_s).items() if name in (only or _BUNDLED)}
    if sandboxes is not None:
        asked["sandboxes"] = sandboxes
    outcomes = all_within(asked_s, asked)
    after = all_within(ledger_s, {"after": ledger})["after"]
    notes = [f"{name}: {one.reason}" for name, one in outcomes.items() if not one.answered]
    return Sources(outcomes, before.value, after.value, tuple(notes))


def seen_in(sources: Sources, make_node: Callable[[], Node]) -> Seen:
    """The answers as the survey takes them. Which owners live is asked of `make_node`'s machine."""
    node, after = make_node(), sources.after
    unread: list[str] = []  # what only adds to the rest need not be said
    try:
        at_work = at_work_of(node, sources.before, after)
        uptime_s = unless_it_fails(unread, lambda: node.machine.hns_uptime_s() or 0.0)
        folders = unless_it_fails(unread, lambda: _folders(node, knows_the_ledger=after is not None))
    finally:
        node.close()
    sandboxes = sources.outcomes.get("sandboxes")
    version = sources.documents("hnsVersion")
    return Seen(
        namespaces=_views(sources.documents("namespaces"), NamespaceView.of),
        endpoints=_views(sources.documents("endpoints"), EndpointView.of),
        networks=_views(sources.documents("networks"), NetworkView.of),
        systems=_views(sources.documents("systems"), Properties.of),
        sandboxes=None if sandboxes is None else sandboxes.value,
        load_balancers=_views(sources.documents("loadBalancers"), LoadBalancerView.of),
        hns_version=None if version is None else (version[0], version[1]),
        rows=None if after is None else [_shown(row) for row in after.rows.values()],
        leases=None if after is None else after.leases,
        at_work=at_work,
        time=None if after is None else after.time,
        notes=sources.notes,
        folders=folders,
        hns_uptime_s=uptime_s or 0.0,
        of_hns=sources.silent("namespaces", "endpoints", "networks"),
        of_hcs=sources.silent("systems"),
    )


def _folders(node: Node, *, knows_the_ledger: bool) -> tuple[FolderSeen, ...]:
    """host-local's; a ledger that did not answer is not asked again."""
    ledger = node.ledger_if_any if knows_the_ledger else None
    return folders_of(node.machine.host_local_folder(), ledger)


def _shown(row: AttachmentRow) -> AttachmentRow:
    """Without what is not ours in the result that was printed."""
    return row if row.result is None else row._replace(result=_result(row.result))


def _result(text: str) -> str:
    try:
        return json.dumps(known_only(json.loads(text or "null"), RESULT_MEMBERS))
    except (ValueError, RecursionError):
        return ""


def _views(documents: list[Document] | None, view: Callable[[Document], Any]) -> list[Any] | None:
    return None if documents is None else [view(one) for one in documents]


def _questions(timeout_s: float) -> dict[str, Callable[[Node], Any]]:
    return {
        "networks": lambda node: _clean(every(node.hcn.networks)),
        "endpoints": lambda node: _clean(every(node.hcn.endpoints)),
        "namespaces": lambda node: _clean(every(node.hcn.namespaces)),
        "loadBalancers": lambda node: _clean(every(node.hcn.load_balancers)),
        "sdnRoutes": lambda node: _clean(every(node.hcn.sdn_routes)),
        "v1Networks": lambda node: _clean(_listed(node.hns.request("GET", "/networks/"))),
        "v1Endpoints": lambda node: _clean(_listed(node.hns.request("GET", "/endpoints/"))),
        "portPools": lambda node: known_only(node.hns.request("GET", "/portpools/"), hns_members()),
        "endpointStatistics": _statistics,
        "hnsVersion": lambda node: list(node.hns.version()),
        "windowsBuild": lambda node: node.machine.windows_build(),
        "systems": lambda node: _systems(node, timeout_s),
        "ledger": _ledger,
        "ledgerIntegrity": _integrity,
        "leases": _leases,
        "blocks": _blocks,
    }


def _clean(documents: Iterable[Document]) -> list[Document]:
    found: list[Document] = []
    for document in documents:
        if len(found) == _MOST_OBJECTS:
            break
        found.append(known_only(document, hns_members()))
    return found


def _listed(output: Any) -> list[Document]:
    return [one for one in output if isinstance(one, dict)] if isinstance(output, list) else []


def _statistics(node: Node) -> list[Document]:
    """Of the local endpoints: HNS counts nothing of a remote one."""
    found: list[Document] = []
    for view in map(EndpointView.of, every(node.hcn.endpoints)):
        if view.is_in_use and len(found) < _MOST_STATISTICS:
            found += _statistics_of(node, view.id)
    return found


def _statistics_of(node: Node, endpoint: str) -> list[Document]:
    try:
        with node.hcn.endpoints.open(endpoint) as opened:
            return [known_only(opened.statistics(), hns_members())]
    except NotFound:
        return []
    except ServiceError as fault:
        return [{"EndpointId": endpoint, "reason": " ".join(str(fault).split())}]


def _systems(node: Node, timeout_s: float) -> list[Document]:
    # The thread that hangs in HCS is left behind: nothing of this process is worth ending it for.
    patience = Patience(timeout_s, lambda _call, _seconds: None)
    found = node.systems(patience).enumerate(None, timeout_s)
    return [system_only(one.to_document()) for one in found]


def _ledger(node: Node) -> Document | None:
    """All its rows; None where there is no ledger."""
    ledger = node.ledger_if_any
    if ledger is None:
        return None
    records = records_of(ledger)
    for row in records["tables"]["attachments"]:
        # It has what the runtime asked for, and nobody but a repeated ADD reads it.
        row["fingerprint"] = None
        row["request"] = known_only(row["request"], hns_members())
        row["result"] = known_only(row["result"], RESULT_MEMBERS)
    for row in records["tables"]["networks"]:
        row["document"] = known_only(row["document"], hns_members())
    records["tables"]["facts"] = []
    return records


def _leases(node: Node) -> list[Lease]:
    """Also those that are set aside."""
    ledger = node.ledger_if_any
    return [] if ledger is None else ledger.leases(all=True)


def _blocks(node: Node) -> list[Block]:
    ledger = node.ledger_if_any
    return [] if ledger is None else Blocks(ledger).all()


def _integrity(node: Node) -> str:
    ledger = node.ledger_if_any
    if ledger is None:
        return "no ledger yet"
    ledger.verify()
    return "sound"
