"""A packet trace of one pod: filtered to its addresses and MACs, bounded in time and size, and always ended.

Rule 1: a node has one capture and one list of filters. Where another capture runs, or where there are filters
of somebody else, nothing is begun: to end ours would end theirs.
Rule 2: from the first filter on, whatever happens, the capture is stopped and the filters are removed.
Sources: https://learn.microsoft.com/windows-server/administration/windows-commands/pktmon-start (and there
pktmon-filter-add, pktmon-filter, pktmon-pcapng); for netsh what `netsh trace start /?` prints, and
https://learn.microsoft.com/windows/win32/ndf/using-netsh-to-manage-traces
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cni_hns.binding.children import run
from cni_hns.diagnosis.clean import masked
from cni_hns.diagnosis.collectors import Missing, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cni_hns.diagnosis.collectors import Surroundings

__all__ = [
    "Limits",
    "Programs",
    "Target",
    "TraceFault",
    "Traced",
    "Tracer",
    "commands_of",
    "tool_of",
    "trace",
]

Command = tuple[str, ...]

PKTMON, NETSH = "pktmon", "netsh"

# pktmon's page: "Up to 32 filters can be active at once."
_MOST_FILTERS = 32
_FILTER_NAME = "cni-hns"
_STEP_S = 30.0
_CONVERT_S = 300.0
# netsh writes what it has in memory, and may say that a restart is pending (3010) though it is done.
_STOP_S = 120.0
_DONE = (0, 3010)

# A line of `pktmon filter list` about a filter begins with its number, whatever the language of Windows.
_A_FILTER = re.compile(r"^\s*\d+\s", re.MULTILINE)
_IDLE = {PKTMON: "not running", NETSH: "no trace session"}


class TraceFault(Exception):
    """No trace was made; `str()` says why, and what to do."""


class Target(NamedTuple):
    """What its packets have: addresses without a prefix, MACs; `overlay`: they are wrapped."""

    addresses: tuple[str, ...]
    macs: tuple[str, ...]
    overlay: bool


class Limits(NamedTuple):
    """For how long, how large the file may be (the newest packets stay), and how much of each packet."""

    seconds: float
    megabytes: int
    packet_bytes: int


class Traced(NamedTuple):
    """The file that was made. `notes` are for people."""

    path: str
    notes: tuple[str, ...]


class Said(NamedTuple):
    """How a program ended, and what it printed."""

    status: int
    text: str
    late: bool


class Tracer(Protocol):
    """What a trace needs of its surroundings."""

    def run(self, command: Command, timeout_s: float) -> Said:
        """Run it to its end. Raises: Missing, OSError."""

    def wait(self, seconds: float) -> None:
        """Let the time pass. Raises: KeyboardInterrupt: somebody has seen enough."""


class Programs:
    """The programs of this node."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings

    def run(self, command: Command, timeout_s: float) -> Said:
        """Run it to its end. Raises: Missing, OSError."""
        path = self._surroundings.find(command[0])
        ended = run(path, self._surroundings.environment, b"", timeout_s, command[1:])
        text = (ended.stdout + b"\n" + ended.stderr).decode("utf-8", "backslashreplace")
        return Said(ended.status, " ".join(masked(text).split("\0")).strip(), ended.late)

    def wait(self, seconds: float) -> None:
        """Let the time pass. Raises: KeyboardInterrupt: somebody has seen enough."""
        time.sleep(seconds)


def tool_of(tracer: Tracer) -> str:
    """pktmon where it is there and converts to pcapng, else netsh. Windows Server 2019 has an older pktmon.

    Raises: TraceFault: there is neither.
    """
    with contextlib.suppress(Missing):
        if "etl2pcap" in tracer.run((PKTMON, "help"), _STEP_S).text:
            return PKTMON
    try:
        tracer.run((NETSH, "trace", "show", "status"), _STEP_S)
    except Missing:
        raise TraceFault(
            "this machine has neither pktmon nor netsh: a trace is made on a Windows node"
        ) from None
    return NETSH


class _Plan(NamedTuple):
    """The commands of a trace, in their order."""

    looks: tuple[Command, ...]
    filters: tuple[Command, ...]
    start: Command
    stop: Command
    unfilter: Command | None
    convert: Command

    @property
    def all(self) -> list[Command]:
        last = [self.stop, *([self.unfilter] if self.unfilter else []), self.convert]
        return [*self.looks, *self.filters, self.start, *last]


def commands_of(tool: str, target: Target, limits: Limits, output: str) -> list[str]:
    """What `trace` will run, as it is typed, in this order; between the start and the stop the time passes.

    Raises: TraceFault: there is nothing to filter by.
    """
    return [words_of(one) for one in _plan(tool, target, limits, output).all]


def trace(tool: str, target: Target, limits: Limits, output: str, tracer: Tracer) -> Traced:
    """Trace the pod and write `output`, a pcapng file; of netsh it may remain an ETL file beside it.

    Raises: TraceFault: it was not begun, or it failed; nothing of it runs any more, unless that is said.
    """
    plan = _plan(tool, target, limits, output)
    _refuse_what_runs(tool, plan, tracer)
    notes: list[str] = []
    try:
        with _ended(plan, _etl(output), tracer) as state:
            for one in plan.filters:
                _done(tracer, one)
            state.begun = True
            _begin(tracer, plan.start, state)
            try:
                tracer.wait(limits.seconds)
            except KeyboardInterrupt:
                notes.append("ended early, by Ctrl-C")
        return _converted(plan, output, tracer, notes)
    except (Missing, OSError) as fault:
        raise TraceFault(str(fault)) from fault


def _plan(tool: str, target: Target, limits: Limits, output: str) -> _Plan:
    if not target.addresses and not target.macs:
        raise TraceFault(
            "the pod has no endpoint, so no address and no MAC to filter by: see cni-hns pod show"
        )
    return (_of_pktmon if tool == PKTMON else _of_netsh)(target, limits, output)


def _of_pktmon(target: Target, limits: Limits, output: str) -> _Plan:
    inside = ("-e",) if target.overlay else ()
    add = (PKTMON, "filter", "add", _FILTER_NAME)
    filters = [
        *((*add, "-m", mac) for mac in target.macs),
        *((*add, "-i", one, *inside) for one in target.addresses),
    ]
    if len(filters) > _MOST_FILTERS:
        raise TraceFault(
            f"the pod has {len(filters)} addresses and MACs; pktmon takes {_MOST_FILTERS} filters"
        )
    return _Plan(
        looks=((PKTMON, "status"), (PKTMON, "filter", "list")),
        filters=tuple(filters),
        start=(
            *(PKTMON, "start", "--capture", "--pkt-size", str(limits.packet_bytes)),
            *("--file-name", _etl(output), "--file-size", str(limits.megabytes), "--log-mode", "circular"),
        ),
        stop=(PKTMON, "stop"),
        unfilter=(PKTMON, "filter", "remove"),
        convert=(PKTMON, "etl2pcap", _etl(output), "--out", output),
    )


def _of_netsh(target: Target, limits: Limits, output: str) -> _Plan:
    """netsh wants all its filters fulfilled: the MAC alone has all frames of the pod, ARP among them."""
    if len(target.macs) != 1:
        raise TraceFault(f"netsh filters by one MAC, and the pod has {len(target.macs)}")
    return _Plan(
        looks=((NETSH, "trace", "show", "status"),),
        filters=(),
        start=(
            *(NETSH, "trace", "start", "capture=yes", "captureType=both", "report=disabled"),
            *("correlation=disabled", "persistent=no", "overwrite=no", "fileMode=circular"),
            *(f"maxSize={limits.megabytes}", f"packetTruncateBytes={limits.packet_bytes}"),
            *(f"Ethernet.Address={target.macs[0]}", f"traceFile={_etl(output)}"),
        ),
        stop=(NETSH, "trace", "stop"),
        unfilter=None,
        convert=("etl2pcapng", _etl(output), output),
    )


def _etl(output: str) -> str:
    return f"{os.path.splitext(output)[0]}.etl"


def _refuse_what_runs(tool: str, plan: _Plan, tracer: Tracer) -> None:
    for path in (plan.convert[-1], _etl(plan.convert[-1])):
        if os.path.lexists(path):
            raise TraceFault(f'"{path}" is there already: name another file with --output')
    try:
        state, *others = [tracer.run(one, _STEP_S).text for one in plan.looks]
    except (Missing, OSError) as fault:
        raise TraceFault(str(fault)) from fault
    if _IDLE[tool] not in state.lower():
        raise TraceFault(
            f"another capture runs, or what {tool} says is not understood "
            f"({_first_line(state)}): end it with {words_of(plan.stop)}, and try again"
        )
    if any(_A_FILTER.search(one) for one in others):
        raise TraceFault(
            "pktmon has filters of somebody else, and removes only all at once: see pktmon filter list; "
            "if nobody needs them: pktmon filter remove"
        )


class _State:
    """How far a trace has come: whether its start was begun, and whether that was refused."""

    def __init__(self) -> None:
        self.begun = False
        self.refused = False


def _begin(tracer: Tracer, command: Command, state: _State) -> None:
    """Raises: TraceFault: it failed; of one that did not end nobody knows whether it began."""
    said = tracer.run(command, _STEP_S)
    state.refused = said.status not in _DONE and not said.late
    _see_that_it_worked(said, command)


@contextlib.contextmanager
def _ended(plan: _Plan, etl: str, tracer: Tracer) -> Iterator[_State]:
    """Whatever happens inside: afterwards the capture is stopped, and its filters are removed."""
    state = _State()
    with _terminated_like_ctrl_c():
        try:
            yield state
        finally:
            with _undisturbed():
                failures = _clean_up(plan, etl, tracer, state)
            if failures:
                raise TraceFault("; ".join(failures))


def _clean_up(plan: _Plan, etl: str, tracer: Tracer, state: _State) -> list[str]:
    """Each step whether or not the one before it failed; what failed, with the command to type."""
    steps = [plan.stop] if state.begun and _may_run(plan, etl, tracer, state) else []
    if plan.unfilter:
        steps.append(plan.unfilter)
    failures = []
    for one in steps:
        try:
            _done(tracer, one)
        except (TraceFault, Missing, OSError) as fault:
            failures.append(f"{fault}; type it again: {words_of(one)}")
    return failures


def _may_run(plan: _Plan, etl: str, tracer: Tracer, state: _State) -> bool:
    """Of a start that was refused: what runs all the same is another's, unless it writes our file."""
    if not state.refused:
        return True
    try:
        said = tracer.run(plan.looks[0], _STEP_S)
    except (Missing, OSError):
        return True
    return os.path.basename(etl).lower() in said.text.lower()


def _converted(plan: _Plan, output: str, tracer: Tracer, notes: list[str]) -> Traced:
    etl = _etl(output)
    try:
        said = tracer.run(plan.convert, _CONVERT_S)
    except Missing:
        link = "https://github.com/microsoft/etl2pcapng"
        notes.append(f"for Wireshark convert it by etl2pcapng ({link}): {words_of(plan.convert)}")
        return Traced(etl, tuple(notes))
    if said.status or said.late or not os.path.isfile(output):
        raise TraceFault(
            f'the trace is in "{etl}", but was not converted: {_first_line(said.text)}; '
            f"try it again: {words_of(plan.convert)}"
        )
    with contextlib.suppress(OSError):
        os.unlink(etl)
    return Traced(output, tuple(notes))


def _done(tracer: Tracer, command: Command) -> None:
    """Raises: TraceFault: it failed."""
    limit_s = _STOP_S if command[-1] == "stop" else _STEP_S
    _see_that_it_worked(tracer.run(command, limit_s), command)


def _see_that_it_worked(said: Said, command: Command) -> None:
    if said.late:
        raise TraceFault(f"{words_of(command)} did not end in time")
    if said.status not in _DONE:
        raise TraceFault(f"{words_of(command)} failed with exit code {said.status}: {_first_line(said.text)}")


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "it says nothing")


@contextlib.contextmanager
def _terminated_like_ctrl_c() -> Iterator[None]:
    """A polite request to end (SIGTERM; on Windows also Ctrl-Break) ends a trace as Ctrl-C does."""
    names = [name for name in ("SIGTERM", "SIGBREAK", "SIGHUP") if hasattr(signal, name)]
    with _handled({getattr(signal, name): _interrupt for name in names}):
        yield


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """An impatient second Ctrl-C does not end what ends the capture."""
    with _handled({signal.SIGINT: _ignored, signal.SIGTERM: _ignored}):
        yield


@contextlib.contextmanager
def _handled(handlers: dict[int, Callable[[int, object], None]]) -> Iterator[None]:
    before: dict[int, Any] = {}
    try:
        # Signals are the main thread's; elsewhere nobody presses a key.
        with contextlib.suppress(ValueError):
            for number, handler in handlers.items():
                before[number] = signal.signal(number, handler)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _ignored(_number: int, _frame: object) -> None:
    """Not now."""
