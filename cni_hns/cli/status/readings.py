"""What `status` asks of a node: side by side, each question under its own limit of time."""

from __future__ import annotations

import contextlib
import json
import os
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cni_hns import __version__
from cni_hns.binding.patience import Patience
from cni_hns.cli.configurations import plugin_configuration
from cni_hns.cli.runtime import look_at_runtime
from cni_hns.deadline import Deadline
from cni_hns.hcn.listing import every
from cni_hns.hcn.views import NetworkView
from cni_hns.survey.questions import Outcome, Question

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.binding.host import Clock, Disk, Host, Service
    from cni_hns.cli.session import Session
    from cni_hns.cli.surroundings import RuntimePlaces
    from cni_hns.cluster.state import State
    from cni_hns.dialects.plan import AttachmentPlan
    from cni_hns.ledger import Ledger
    from cni_hns.ledger.condition import Condition
    from cni_hns.node.node import Node
    from cni_hns.survey.configuration import ConfigurationFile, ConfigurationSeen

_Answer = TypeVar("_Answer")

__all__ = [
    "LIMIT_S",
    "AgentSeen",
    "Answered",
    "Counted",
    "Held",
    "Logged",
    "Places",
    "Readings",
    "Usage",
    "read",
]

# The slowest of them, and what a start of the program takes before and after, are below two seconds.
LIMIT_S = 1.2
_TAIL_BYTES = 1 << 18


class Usage(NamedTuple):
    """The addresses of a network configuration: used and in all; `words` where they are not counted here."""

    network: str
    ranges: str
    used: int
    size: int
    words: str = ""


class Counted(NamedTuple):
    """Pods of the ledger: with all that they need in HNS, without their endpoint, without their namespace.

    `half_done` are attachments that nobody finishes, `in_progress` those that a living process works on.
    """

    alive: int
    dark: tuple[str, ...]
    gone: tuple[str, ...]
    half_done: tuple[str, ...]
    in_progress: int


class Answered(NamedTuple):
    """What a service said, and how long it took by itself."""

    what: Any
    ms: float


class Held(NamedTuple):
    """An HCN network, and how many endpoints HNS has in all networks."""

    networks: tuple[NetworkView, ...]
    endpoints: int


class Logged(NamedTuple):
    """The last failure in the log; `time` as the log has it, "" where there is none."""

    file: str
    time: str = ""
    message: str = ""


class AgentSeen(NamedTuple):
    """What an agent wrote last, and whether one runs now: its lock says so, and no process id."""

    state: State
    runs: bool


class Readings(NamedTuple):
    """Every answer, or why there is none."""

    hns_service: Outcome[Service]
    hns_answer: Outcome[Answered]
    hcs_service: Outcome[Service]
    hcs_answer: Outcome[Answered]
    windows: Outcome[int | None]
    networks: Outcome[Held]
    agent: Outcome[AgentSeen | None]
    runtime: Outcome[ConfigurationSeen]
    ledger: Outcome[Condition]
    addresses: Outcome[list[Usage]]
    pods: Outcome[Counted | None]
    logged: Outcome[Logged | None]
    disk: Outcome[Disk]
    clock: Outcome[Clock]


class Places(NamedTuple):
    """What the command line says about where things lie."""

    data_dir: str | None
    config: str | None
    runtime: RuntimePlaces


def read(session: Session, places: Places, limit_s: float) -> Readings:
    """Ask everything at once, and wait for what comes in time."""
    asking = _Asking(session, places, limit_s)
    hns = asking.node("HNS", lambda node: _timed(node.hns.version))
    hcs = asking.node("HCS", lambda node: _systems(node, limit_s))
    hns_service = asking.host("the service manager", lambda host: host.service("hns"))
    hcs_service = asking.host("the service manager", lambda host: host.service("vmcompute"))
    clock = asking.host("the clock", lambda host: host.clock())
    disk = asking.host("the disk", lambda host: host.disk(os.path.dirname(asking.ledger_path())))
    windows = asking.node("Windows", lambda node: node.machine.windows_build())
    networks = asking.node("HNS", _networks)
    agent = asking.files("the agent's state", lambda: _agent(os.path.dirname(asking.ledger_path())))
    ledger = asking.files("the ledger", asking.condition)
    addresses = asking.node("the ledger", lambda node: _usages(node, asking.ours()), with_ledger=True)
    pods = asking.node("HNS", _pods, with_ledger=True)
    logged = asking.files("the log", lambda: _logged(asking.ours()))
    return Readings(
        hns_service.outcome(),
        hns.outcome(),
        hcs_service.outcome(),
        hcs.outcome(),
        windows.outcome(),
        networks.outcome(),
        agent.outcome(),
        asking.runtime.outcome(),
        ledger.outcome(),
        addresses.outcome(),
        pods.outcome(),
        logged.outcome(),
        disk.outcome(),
        clock.outcome(),
    )


class _Asking:
    """Begins questions. What depends on the configuration that is loaded waits for it in its own thread."""

    def __init__(self, session: Session, places: Places, limit_s: float) -> None:
        self._session = session
        self._places = places
        self._limit_s = limit_s
        # Asked here once: the threads share what opened the session's node for it.
        self._usual_path = session.ledger_path(None, None)
        self.runtime: Question[ConfigurationSeen] = self.files(
            "the folder of configurations",
            lambda: look_at_runtime(*places.runtime),
        )

    def files(self, what: str, work: Callable[[], _Answer]) -> Question[_Answer]:
        """One that files answer."""
        return Question(what, self._limit_s, work)

    def host(self, what: str, work: Callable[[Host], _Answer]) -> Question[_Answer]:
        """One that the machine answers."""
        return self.node(what, lambda node: work(node.machine.host()))

    def node(
        self, what: str, work: Callable[[Node], _Answer], with_ledger: bool = False
    ) -> Question[_Answer]:
        """One that the node answers: one of its own, for what hangs is left to its thread."""

        def run() -> _Answer:
            folder = self._folder() if with_ledger else None
            with contextlib.closing(self._session.node_apart(folder, self._limit_s)) as node:
                return work(node)

        return Question(what, self._limit_s, run)

    def ours(self) -> ConfigurationFile | None:
        """The configuration of this program that the runtime has loaded."""
        seen = self.runtime.outcome().value
        return next((one for one in seen.loaded if one.is_ours), None) if seen else None

    def ledger_path(self) -> str:
        folder = self._folder()
        return os.path.join(folder, os.path.basename(self._usual_path)) if folder else self._usual_path

    def condition(self) -> Condition:
        from cni_hns.ledger.condition import condition_of

        return condition_of(self.ledger_path(), Deadline(self._limit_s))

    def _folder(self) -> str | None:
        """That of the ledger: as the command line says, else the loaded configuration; None: this node's."""
        if self._places.data_dir or self._places.config:
            return os.path.dirname(self._session.ledger_path(self._places.data_dir, self._places.config))
        found = self.ours()
        return (found.data_dir or None) if found else None


def _timed(work: Callable[[], Any]) -> Answered:
    began = perf_counter()
    return Answered(work(), (perf_counter() - began) * 1000)


def _systems(node: Node, limit_s: float) -> Answered:
    """How many compute systems there are."""
    # What hangs is left to its thread, by whoever waits for it.
    compute = node.compute(Patience(limit_s, lambda *_: None))
    return _timed(lambda: len(json.loads(compute.enumerate("", Deadline(limit_s)) or "[]")))


def _networks(node: Node) -> Held:
    found = tuple(NetworkView.of(one) for one in every(node.hcn.networks))
    return Held(found, len(node.hcn.endpoints.ids()))


def _agent(folder: str) -> AgentSeen | None:
    """None where no agent has ever run."""
    from cni_hns.cluster.only_one import is_running
    from cni_hns.cluster.state import read_state

    state = read_state(folder)
    return None if state is None else AgentSeen(state, is_running(folder))


def _pods(node: Node) -> Counted | None:
    """Two calls to HNS, however many pods there are; None without a ledger."""
    ledger = node.ledger_if_any
    if ledger is None:
        return None
    rows = [row for row in ledger.attachments() if row.phase != "tombstone"]
    unfinished = [row for row in rows if row.is_unfinished]
    busy = [row for row in unfinished if node.alive(row.owner)]
    endpoints, namespaces = set(node.hcn.endpoints.ids()), set(node.hcn.namespaces.ids())
    ready = [row for row in rows if row.phase == "ready"]
    gone = {row.key.container_id for row in ready if row.namespace_id and row.namespace_id not in namespaces}
    dark = {row.key.container_id for row in ready if row.endpoint_id not in endpoints} - gone
    return Counted(
        alive=len({row.key.container_id for row in ready} - dark - gone),
        dark=tuple(sorted(dark)),
        gone=tuple(sorted(gone)),
        half_done=tuple(row.key.words() for row in unfinished if row not in busy),
        in_progress=len(busy),
    )


def _usages(node: Node, ours: ConfigurationFile | None) -> list[Usage]:
    """For the configuration that is loaded, else for each network that has leases."""
    ledger = node.ledger_if_any
    leases = [] if ledger is None else ledger.leases()
    named = {one.network for one in leases}
    found = []
    if ours is not None:
        found = list(_of_configuration(node, ours))
        named.discard(ours.network)
    for network in sorted(named):
        used = sum(one.network == network for one in leases)
        found.append(Usage(network, "", used, 0, "no configuration that is loaded has this name"))
    return found


def _of_configuration(node: Node, ours: ConfigurationFile) -> list[Usage]:
    from cni_hns.dialects.compile import compile_plan
    from cni_hns.ipam.ranges import range_sets_of
    from cni_hns.ledger.addresses import address_key

    config = plugin_configuration(ours.path)
    ledger = node.ledger_if_any
    plan = (_kept_plan(ledger, config) if ledger else None) or compile_plan(config)
    held = [] if ledger is None else [one for one in ledger.leases() if one.network == ours.network]
    if plan.ipam.pools:
        return [_of_pool(ledger, ours.network, pool) for pool in plan.ipam.pools]
    if not plan.ipam.range_sets:
        whose = {"hns": "HNS chooses the addresses", "dhcp": "a DHCP server gives the addresses"}
        words = whose.get(plan.ipam.kind, f'the IPAM plugin "{plan.ipam.type}" gives the addresses')
        return [Usage(ours.network, "", len(held), 0, words)]
    keys = [address_key(one.address) for one in held]
    return [
        Usage(
            ours.network,
            ", ".join(dict.fromkeys(one.subnet for one in each.ranges)),
            sum(each.range_of(key) is not None for key in keys),
            each.size,
        )
        for each in range_sets_of(plan.ipam.range_sets, plan.ipam.reserved)
    ]


def _of_pool(ledger: Ledger | None, network: str, pool: str) -> Usage:
    """What of a pool this node has by now; its agent claims more."""
    from cni_hns.ledger.blocks import Blocks

    blocks = [] if ledger is None else Blocks(ledger).of(network, pool)
    if ledger is None or not blocks:
        words = f'no block of pool "{pool}": the agent of this node has claimed none'
        return Usage(network, "", 0, 0, words)
    used = sum(Blocks(ledger).leased(one) for one in blocks)
    words = f'pool "{pool}" ({", ".join(one.prefix for one in blocks)})'
    return Usage(network, words, used, sum(one.size for one in blocks))


def _kept_plan(ledger: Ledger, config: dict[str, Any]) -> AttachmentPlan | None:
    """As the verbs have compiled it: under their exe's name where that is a built one."""
    from cni_hns.dialects.compile import digest
    from cni_hns.dialects.plan import AttachmentPlan

    name = str(config.get("type"))
    for executable in ("", f"{name}.exe", name):
        document = ledger.plan(digest(config, executable), __version__)
        with contextlib.suppress(KeyError, TypeError):
            if document is not None:
                return AttachmentPlan.of(document)
    return None


def _logged(ours: ConfigurationFile | None) -> Logged | None:
    """None where the configuration names no log. Of a large one the end is read."""
    if ours is None or not ours.log:
        return None
    try:
        with open(ours.log, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            lines = file.read(_TAIL_BYTES).splitlines()
    except FileNotFoundError:
        return Logged(ours.log)
    for line in reversed(lines):
        if b'"error"' in line:
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict) and event.get("level") == "error":
                    return Logged(ours.log, str(event.get("time", "")), str(event.get("message", "")))
    return Logged(ours.log)
