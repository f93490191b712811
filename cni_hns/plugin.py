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
from cni_hns.cni.arguments import loggable_arguments, meaningless_pieces, pod_of
from cni_hns.cni.configuration import answer_version, read_document
from cni_hns.cni.errors import DEADLINE, INTERNAL, IO_FAILURE, CniError
from cni_hns.cni.failures import as_cni_error, trace
from cni_hns.cni.protocol import LATEST, SUPPORTED, to_text
from cni_hns.cni.request import Request, read_request
from cni_hns.cni.settings import log_settings, timeout_s
from cni_hns.cni.variables import Variables, read_variables
from cni_hns.deadline import Deadline
from cni_hns.log import Log, redacted
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from cni_hns.binding.libraries import Libraries, Machine
    from cni_hns.cni.result import Result
    from cni_hns.stdio import Outlet

__all__ = ["VERBS", "Answer", "Verb", "make_node", "run"]

# For VERSION, and for what is no verb at all.
_VERSION_TIMEOUT_S = 3.0

# A runtime writes the configuration at once. Half of a short budget is left for saying that it did not.
_STDIN_TIMEOUT_S = 5.0

# At the deadline the answer gets this long, and after it the log: nobody may read the pipe, and the log may
# lie on the very disk that hangs.
_LAST_WORDS_S = 1.0

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


# With the configuration's `dataDir`.
NodeFactory = Callable[[Connect, Log, Deadline, "str | None"], ClosableNode]


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


def _no_verb() -> VerbFunction:
    raise LookupError("VERSION, and what is no verb, is answered without one")


_KEPT = "what was begun stays in the ledger, for repair by the next verb"

VERBS: Mapping[str, Verb] = {
    "ADD": Verb(_add, 100.0, f"{_KEPT}: run DEL or repeat the ADD", prints_result=True),
    "DEL": Verb(_delete, 60.0, f"{_KEPT}: repeat the DEL"),
    "CHECK": Verb(_check, 20.0, "nothing was changed: repeat the CHECK, and if it stays so restart HNS"),
    "GC": Verb(_gc, 60.0, f"{_KEPT}: repeat the GC"),
    "STATUS": Verb(_status, 3.0, "nothing was changed: if it stays so, restart HNS"),
}


_NO_VERB = Verb(_no_verb, _VERSION_TIMEOUT_S, "nothing was changed: repeat the call")


def make_node(connect: Connect, log: Log, deadline: Deadline, data_dir: str | None) -> ClosableNode:
    """The node that a verb works with; nothing of it is opened yet."""
    from cni_hns.node.node import Node

    return Node(connect, log, deadline, data_dir)


def _process_age_s() -> float:
    from cni_hns.binding.processes import age_s

    return age_s()


def run(
    environ: Mapping[str, str],
    read_stdin: Callable[[float], bytes],
    connect: Connect,
    log: Log,
    *,
    outlet: Outlet | None = None,
    verbs: Mapping[str, Verb] = VERBS,
    make_node: NodeFactory = make_node,
) -> Answer:
    """The answer to one call; never raises.

    `read_stdin` gets the seconds it may wait and raises OSError where it cannot read. `connect` opens the
    HNS of this node and is called when a verb first needs it. With an `outlet` the process is the call's
    own, and the deadline is enforced until something was delivered there: a call that hangs past it is
    answered there, and the process left.
    """
    command = environ.get("CNI_COMMAND", "")
    call = _Call(
        command,
        verbs.get(command, _NO_VERB),
        read_stdin=read_stdin,
        connect=connect,
        log=log,
        outlet=outlet,
        make_node=make_node,
    )
    try:
        call.watch()
        variables = read_variables(environ)
        if variables.command == "VERSION":
            return Answer(_version(read_stdin), 0)
        return Answer(call.perform(variables), 0)
    except BaseException as fault:  # whatever ends the call: a runtime understands documents only
        return call.refused(fault)


class _Call:
    """One call on its way, and what an error document has to know of it."""

    def __init__(
        self,
        command: str,
        verb: Verb,
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
        self._verb = verb
        self._deadline = Deadline(verb.timeout_s, _process_age_s if outlet is not None else None)
        self._watchdog = Alarm(self._too_late, self._deadline.left_s)

    def watch(self) -> None:
        """From now on until something is delivered, a call that hangs is answered at its deadline.

        An HNS call cannot be interrupted, nor can a file that hangs.
        """
        if self._outlet is not None:
            self._outlet.when_delivered = self._watchdog.cancel
            self._watchdog.set()

    def perform(self, variables: Variables) -> str:
        """What a verb that works on the node prints."""
        self._log_begin(variables)
        raw = _stdin(self._read_stdin, self._deadline.timeout_s)
        document = read_document(raw)
        self._settle(document)
        lenient = self._passes_over_pieces(variables, document)
        request = read_request(variables, raw, document, lenient=lenient)
        result = self._work(request)
        text = _result_text(request, result) if self._verb.prints_result else ""
        self._log_end(result)
        return text

    def refused(self, fault: BaseException) -> Answer:
        """The error document for whatever ended the call."""
        error = as_cni_error(fault, self._command)
        if error.code == INTERNAL:
            self._log.event("unforeseen exception", trace=trace(fault))
        self._log_error(error)
        return Answer(to_text(error.document(self._version)), 1)

    def _settle(self, document: dict[str, Any]) -> None:
        """Take over what holds for the rest of the call, errors included: version, time allowed, log file."""
        self._version = answer_version(document)
        self._deadline.restart(timeout_s(document, self._command, self._deadline.timeout_s))
        self._watchdog.look_again()
        settings = log_settings(document)
        self._log.configure(settings.file, settings.level, settings.max_bytes, _log_refusal)
        self._log.event(
            "network configuration",
            members={key: document[key] for key in _OPEN_MEMBERS if isinstance(document.get(key), str)},
            others=redacted({key: value for key, value in document.items() if key not in _OPEN_MEMBERS}),
            timeout_s=self._deadline.timeout_s,
        )

    def _passes_over_pieces(self, variables: Variables, document: dict[str, Any]) -> bool:
        """Whether pieces of CNI_ARGS that mean nothing are no fault, as for some of the peers."""
        pieces = meaningless_pieces(variables.args) if variables.command in {"ADD", "CHECK"} else []
        if not pieces:
            return False
        from cni_hns.dialects.recognise import passes_over_arguments

        lenient = passes_over_arguments(document)
        if lenient:
            self._log.event(f"passed over, as with the peer: {'; '.join(pieces)}", "warning")
        return lenient

    def _work(self, request: Request) -> Result | None:
        node = self._make_node(self._connect, self._log, self._deadline, request.config.get("dataDir"))
        try:
            return self._verb.load()(request, node)
        finally:
            self._close(node)

    def _close(self, node: ClosableNode) -> None:
        # What the verb did is done, and its answer true, whether or not its libraries close well.
        try:
            node.close()
        except Exception as fault:
            self._log.event(f"closing failed: {type(fault).__name__}", "warning", trace=trace(fault))

    def _too_late(self) -> None:
        """Answer in place of a verb that hangs, and leave."""
        if self._outlet is None:
            return
        try:
            error = self._deadline_error()
            over = self._outlet.interrupt(to_text(error.document(self._version)), _LAST_WORDS_S)
            if over:
                finishes_within(_LAST_WORDS_S, partial(self._log_error, error))
        except Exception:  # no thread, no memory: without an answer the process still has to end
            over = True
        if over:
            self._outlet.leave(1)

    def _deadline_error(self) -> CniError:
        hung = self._log.current_file or self._log.current_child or self._log.current_call
        where = f"{hung} has not come back" if hung else "no HNS call was under way"
        error = CniError(
            DEADLINE,
            f"{self._command} did not end within {self._deadline.timeout_s:g} s: {where}",
            self._verb.when_late,
        )
        return as_cni_error(error, self._command)

    def _log_begin(self, variables: Variables) -> None:
        self._log.bind(verb=self._command, container_id=variables.container_id, ifname=variables.ifname)
        pod = pod_of(variables.args).full_name
        if pod:
            self._log.bind(pod=pod)
        self._log.event(
            f"{self._command} begins",
            netns=variables.netns,
            args=loggable_arguments(variables.args),
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
            ms=round(self._deadline.elapsed_s() * 1000),
            hns_calls=self._log.calls,
        )

    def _log_end(self, result: Result | None) -> None:
        self._log.event(
            f"{self._command} is done",
            ms=round(self._deadline.elapsed_s() * 1000),
            hns_calls=self._log.calls,
            addresses=[one.address for one in result.ips] if result else [],
            interfaces=[one.name for one in result.interfaces] if result else [],
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


def _log_refusal(path: str) -> str:
    from cni_hns.binding.access import refused_log

    return refused_log(path)


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
    from cni_hns.cni.result import dump, merge

    return to_text(dump(merge(request.prev_result, result), request.version))
