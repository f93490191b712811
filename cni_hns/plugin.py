"""One CNI call: read the request, run the verb, answer with exactly one document.

Rule 1: nothing is loaded before it is needed. VERSION and argument errors are answered without the node's
libraries, the ledger or the models.
Rule 2: whatever happens, there is one answer: a result, nothing where the verb prints none, or an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial

from cni_hns.background import Alarm, finishes_within
from cni_hns.cni.arguments import argument_lengths
from cni_hns.cni.configuration import answer_version, read_document
from cni_hns.cni.errors import DEADLINE, INTERNAL, IO_FAILURE, CniError
from cni_hns.cni.failures import as_cni_error, trace
from cni_hns.cni.protocol import LATEST, SUPPORTED
from cni_hns.cni.request import Request, read_request
from cni_hns.cni.result import Result, dump, merge, to_text
from cni_hns.cni.settings import log_settings, timeout_s
from cni_hns.cni.variables import Variables, read_variables
from cni_hns.deadline import Deadline
from cni_hns.log import Log, redacted
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from cni_hns.binding.libraries import Libraries, Machine
    from cni_hns.stdio import Outlet

__all__ = ["VERBS", "Answer", "Verb", "run"]

_VERSION_TIMEOUT_S = 3.0

# A runtime writes the configuration at once. Half of a short budget is left for saying that it did not.
_STDIN_TIMEOUT_S = 5.0

# After the deadline's answer the log gets this long: it may lie on the very disk that hangs.
_LAST_LOG_S = 1.0

# Not worth a complaint where VERSION needs no document.
_BLANK = b"\xef\xbb\xbf \t\r\n"

# Their content may be logged; of every other member only the length is.
_OPEN_MEMBERS = ("cniVersion", "name", "type")


class Answer(NamedTuple):
    """What goes to stdout, and the exit code."""

    stdout: str
    exit_code: int


class ClosableNode(Protocol):
    """All that is known here of the node a verb works with."""

    def close(self) -> None: ...


VerbFunction = Callable[[Request, Any], "Result | None"]
Connect = Callable[[], "tuple[Libraries, Machine]"]


# With the configuration's `dataDir`, as it stands there.
NodeFactory = Callable[[Connect, Log, Deadline, object], ClosableNode]


class Verb(NamedTuple):
    """How one verb is run."""

    load: Callable[[], VerbFunction]
    timeout_s: float
    """The budget where the configuration's `timeout` names no other."""
    when_late: str
    """What the error at the deadline says of what was begun, and what to do."""
    prints_result: bool = False


def _add() -> VerbFunction:
    from cni_hns.verbs.add import run as verb

    return verb


def _delete() -> VerbFunction:
    from cni_hns.verbs.delete import run as verb

    return verb


def _check() -> VerbFunction:
    from cni_hns.verbs.check import run as verb

    return verb


def _gc() -> VerbFunction:
    from cni_hns.verbs.gc import run as verb

    return verb


def _status() -> VerbFunction:
    from cni_hns.verbs.status import run as verb

    return verb


_KEPT = "what was begun stays in the ledger, for repair by the next verb"

VERBS: Mapping[str, Verb] = {
    "ADD": Verb(_add, 100.0, f"{_KEPT}: run DEL or repeat the ADD", prints_result=True),
    "DEL": Verb(_delete, 60.0, f"{_KEPT}: repeat the DEL"),
    "CHECK": Verb(_check, 20.0, "nothing was changed: repeat the CHECK, and if it stays so restart HNS"),
    "GC": Verb(_gc, 60.0, f"{_KEPT}: repeat the GC"),
    "STATUS": Verb(_status, 3.0, "nothing was changed: if it stays so, restart HNS"),
}


def _make_node(connect: Connect, log: Log, deadline: Deadline, data_dir: object) -> ClosableNode:
    from cni_hns.node.node import Node

    return Node(connect, log, deadline, data_dir)


def run(
    environ: Mapping[str, str],
    read_stdin: Callable[[float], bytes],
    connect: Connect,
    log: Log,
    *,
    outlet: Outlet | None = None,
    verbs: Mapping[str, Verb] = VERBS,
    make_node: NodeFactory = _make_node,
) -> Answer:
    """The answer to one call; never raises.

    `read_stdin` gets the seconds it may wait and raises OSError where it cannot read. `connect` opens the HNS
    of this node and is called when a verb first needs it. With an `outlet` the deadline is enforced: a call
    that hangs past it is answered there, and the process left.
    """
    call = _Call(
        environ.get("CNI_COMMAND", ""),
        read_stdin=read_stdin,
        connect=connect,
        log=log,
        outlet=outlet,
        make_node=make_node,
    )
    try:
        variables = read_variables(environ)
        if variables.command == "VERSION":
            return Answer(_version(read_stdin), 0)
        return Answer(call.perform(variables, verbs[variables.command]), 0)
    except BaseException as fault:  # whatever ends the call: a runtime understands documents only
        return call.refused(fault)


class _Call:
    """One call on its way, and what an error document has to know of it."""

    def __init__(
        self,
        command: str,
        *,
        read_stdin: Callable[[float], bytes],
        connect: Connect,
        log: Log,
        outlet: Outlet | None,
        make_node: NodeFactory,
    ) -> None:
        self._command = command
        self._read_stdin = read_stdin
        self._connect = connect
        self._log = log
        self._outlet = outlet
        self._make_node = make_node
        self._version = LATEST

    def perform(self, variables: Variables, verb: Verb) -> str:
        """What a verb that works on the node prints."""
        deadline = Deadline(verb.timeout_s)
        self._log_begin(variables)
        raw = _stdin(self._read_stdin, deadline.timeout_s)
        document = read_document(raw)
        self._settle(document, deadline)
        watchdog = self._watchdog(verb, deadline)
        try:
            request = read_request(variables, raw, document)
            result = self._work(request, verb, deadline)
            text = _result_text(request, result) if verb.prints_result else ""
            self._log_end(result, deadline)
            return text
        finally:
            watchdog.cancel()

    def refused(self, fault: BaseException) -> Answer:
        """The error document for whatever ended the call."""
        error = as_cni_error(fault, self._command)
        if error.code == INTERNAL:
            self._log.event("unforeseen exception", trace=trace(fault))
        self._log_error(error)
        return Answer(to_text(error.document(self._version)), 1)

    def _settle(self, document: dict[str, Any], deadline: Deadline) -> None:
        """Take over what holds for the rest of the call, errors included: version, log file, time allowed."""
        self._version = answer_version(document)
        settings = log_settings(document)
        self._log.configure(settings.file, settings.level, settings.max_bytes)
        deadline.restart(timeout_s(document, self._command, deadline.timeout_s))
        self._log.event(
            "network configuration",
            members={key: document[key] for key in _OPEN_MEMBERS if isinstance(document.get(key), str)},
            others=redacted({key: value for key, value in document.items() if key not in _OPEN_MEMBERS}),
            timeout_s=deadline.timeout_s,
        )

    def _work(self, request: Request, verb: Verb, deadline: Deadline) -> Result | None:
        node = self._make_node(self._connect, self._log, deadline, request.config.get("dataDir"))
        try:
            return verb.load()(request, node)
        finally:
            self._close(node)

    def _close(self, node: ClosableNode) -> None:
        # What the verb did is done, and its answer true, whether or not its libraries close well.
        try:
            node.close()
        except Exception as fault:
            self._log.event(f"closing failed: {type(fault).__name__}", "warning", trace=trace(fault))

    def _watchdog(self, verb: Verb, deadline: Deadline) -> Alarm:
        """Answers at the deadline in place of a verb that hangs: an HNS call cannot be interrupted."""
        watchdog = Alarm(partial(self._too_late, verb, deadline))
        if self._outlet is not None:
            watchdog.set(deadline.left_s())
        return watchdog

    def _too_late(self, verb: Verb, deadline: Deadline) -> None:
        if self._outlet is None:
            return
        hung = self._log.current_call
        where = f"{hung} has not come back" if hung else "no HNS call was under way"
        error = CniError(
            DEADLINE, f"{self._command} did not end within {deadline.timeout_s:g} s: {where}", verb.when_late
        )
        error = as_cni_error(error, self._command)
        try:
            first = self._outlet.deliver(to_text(error.document(self._version)))
        except OSError:
            first = True  # the runtime has gone and closed the pipe; the process has to end all the same
        if not first:
            return
        finishes_within(_LAST_LOG_S, partial(self._log_error, error))
        self._outlet.leave(1)

    def _log_begin(self, variables: Variables) -> None:
        self._log.bind(verb=self._command, container_id=variables.container_id, ifname=variables.ifname)
        self._log.event(
            f"{self._command} begins",
            netns=variables.netns,
            args={key: f"({length} characters)" for key, length in argument_lengths(variables.args).items()},
            path=variables.path,
        )

    def _log_error(self, error: CniError) -> None:
        # Not on stderr: the document on stdout says the same.
        self._log.event(
            f"{self._command} failed with code {error.code}: {error.msg}",
            "error",
            on_stderr=False,
            code=error.code,
            details=error.details,
            hns_calls=self._log.calls,
        )

    def _log_end(self, result: Result | None, deadline: Deadline) -> None:
        shown = result or Result()
        self._log.event(
            f"{self._command} is done",
            ms=round(deadline.elapsed_s() * 1000),
            hns_calls=self._log.calls,
            addresses=[one.address for one in shown.ips],
            interfaces=[one.name for one in shown.interfaces],
        )


def _version(read_stdin: Callable[[float], bytes]) -> str:
    """The answer to VERSION, which needs no configuration: without a usable stdin it is given all the same.

    "cniVersion: the value of cniVersion specified on input" (CNI SPEC, section 2, "VERSION").
    """
    try:
        raw = _stdin(read_stdin, _VERSION_TIMEOUT_S)
    except CniError:
        raw = b""
    stated = read_document(raw).get("cniVersion") if raw.strip(_BLANK) else None
    version = stated if isinstance(stated, str) and stated in SUPPORTED else LATEST
    answer = {"cniVersion": version, "supportedVersions": SUPPORTED}
    return json.dumps(answer, separators=(",", ":")) + "\n"


def _stdin(read_stdin: Callable[[float], bytes], budget_s: float) -> bytes:
    try:
        return read_stdin(min(_STDIN_TIMEOUT_S, budget_s / 2))
    except OSError as fault:
        raise CniError(
            IO_FAILURE,
            f"the network configuration cannot be read from stdin: {fault}",
            "the runtime must write it to stdin and close it",
        ) from fault


def _result_text(request: Request, result: Result | None) -> str:
    """The whole chain's result in the configuration's version."""
    if result is None:
        raise TypeError("a verb that prints a result returned none")
    return to_text(dump(merge(request.prev_result, result), request.version))
