"""`cni-hns container exec`: a command in a running container, as if it ran here.

Rule 1: what it began it ends: at the deadline, at Ctrl-C, and when nobody reads the output any more.
Rule 2: a signal is noted and looked at between two calls. Raised inside of one it would be lost in the DLL.
Rule 3: our own streams are used as descriptors: a thread that hangs in a buffered one would hold up our end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from cni_hns.cli.containers.options import id_argument
from cni_hns.cli.failure import Failure
from cni_hns.cli.session import Session, in_this_session
from cni_hns.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cni_hns.binding.errors import ServiceError
    from cni_hns.hcs.client import ComputeSystems
    from cni_hns.hcs.documents.processes import ProcessParameters, ProcessStatus
    from cni_hns.hcs.processes import OpenProcess
    from cni_hns.hcs.relay import Ours, Relay
    from cni_hns.hcs.systems import OpenSystem

__all__ = ["exec_"]

# How long each call to HCS may take.
_CALL_S = 30.0
# Between two looks at the signals and at who reads the output.
_LOOK_S = 0.25
# How long the last output is waited for: what the command started may go on with its streams.
_LAST_OUTPUT_S = 5.0

# Of those the ones that this system has.
_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")

# https://learn.microsoft.com/windows/win32/debug/system-error-codes--0-499-
_FILE_NOT_FOUND = (0x80070002, 0x80070003)
_NOT_A_FOLDER = 0x8007010B
# No account of this name; the account of this name is no user's.
_NO_SUCH_USER = (0x80070525, 0x80070534)

_SIGN, _BITS = 1 << 31, 1 << 32
_LARGEST_CODE = 255


@click.command("exec")
@id_argument
@click.argument("words", metavar="-- COMMAND [ARGUMENTS]...", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--user", default="", metavar="NAME", help="Who runs it: ContainerUser, ContainerAdministrator."
)
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="Put into its environment. May be repeated.")
@click.option("--workdir", default="", metavar="DIR", help="The folder in which it begins, in the container.")
@click.option("--no-stdin", is_flag=True, help="Give it no input; ours is left for others to read.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0.0),
    metavar="SECONDS",
    help="How long the command may run before it is ended by force (default: as long as it likes).",
)
@in_this_session
def exec_(
    session: Session,
    *,
    system_id: str,
    words: tuple[str, ...],
    user: str,
    env: tuple[str, ...],
    workdir: str,
    no_stdin: bool,
    timeout_s: float | None,
) -> int:
    """Run a command in a container that runs, with our input and output, and end with its exit code.

    Each word is an argument of its own; what only cmd knows is run by: -- cmd /c COMMAND. A command that
    still runs when the time is up, or at Ctrl-C, is ended by force. The container is open meanwhile: one that
    ends with its last handle lives at least as long as this command.
    """
    parameters = _parameters(words, user, env, workdir, no_stdin)
    systems = session.systems(_CALL_S)
    with _signals() as told, _opened(systems, system_id) as system, _begun(system, parameters) as process:
        return _run(process, Deadline(inf if timeout_s is None else timeout_s), told)


def _parameters(
    words: tuple[str, ...], user: str, env: tuple[str, ...], workdir: str, no_stdin: bool
) -> ProcessParameters:
    from cni_hns.hcs.documents.processes import ProcessParameters

    if not words or not words[0].strip():
        raise click.UsageError("no command: give one after --, for example: -- ipconfig /all")
    members: dict[str, Any] = {
        # As a program of Microsoft's C runtime reads it again:
        # https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments
        "command_line": subprocess.list2cmdline(words),
        "create_std_in_pipe": not no_stdin,
        "create_std_out_pipe": True,
        "create_std_err_pipe": True,
        "user": user,
        "working_directory": workdir,
        "environment": dict(map(_variable, env)),
    }
    return ProcessParameters(**{name: value for name, value in members.items() if value})


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.UsageError(f'--env {text!r} is not NAME=VALUE, for example: --env "PATH=C:\\tools"')
    return name, value


def _opened(systems: ComputeSystems, system_id: str) -> OpenSystem:
    """Raises: Failure: there is no such container."""
    from cni_hns.binding.errors import SystemNotFound

    try:
        return systems.open(system_id)
    except SystemNotFound as fault:
        raise Failure(f"container {system_id} not found: list them with `cni-hns container list`") from fault


def _begun(system: OpenSystem, parameters: ProcessParameters) -> OpenProcess:
    """Raises: Failure: the container does not run, or what is asked for is not in it."""
    from cni_hns.binding.compute_errors import SystemStopped, WrongState
    from cni_hns.binding.errors import ServiceError

    try:
        return system.create_process(parameters, _CALL_S)
    except (SystemStopped, WrongState) as fault:
        raise Failure(_not_running(system)) from fault
    except ServiceError as fault:
        raise _explained(fault, system.id, parameters) from fault


def _not_running(system: OpenSystem) -> str:
    from cni_hns.binding.errors import ServiceError

    state = "Stopped"
    with contextlib.suppress(ServiceError):
        state = str(system.properties(timeout_s=_CALL_S).state)
    start = f": start it with `cni-hns container start {system.id}`" if state == "Created" else ""
    return f"container {system.id} is {state}, and only one that runs can run a command{start}"


def _explained(fault: ServiceError, system_id: str, wanted: ProcessParameters) -> Exception:
    if fault.hresult in _FILE_NOT_FOUND:
        return Failure(
            f"command not found in container {system_id}: {wanted.command_line} (0x{fault.hresult:08X}). "
            "Each word is an argument of its own, and the path is that in the container; what is no program "
            "but part of cmd (dir, echo, type) is run by: -- cmd /c COMMAND"
        )
    if fault.hresult == _NOT_A_FOLDER:
        return Failure(
            f"container {system_id} has no folder {wanted.working_directory} (0x{fault.hresult:08X}): give "
            "--workdir one that it has, or leave it out"
        )
    if fault.hresult in _NO_SUCH_USER:
        return Failure(
            f"container {system_id} has no user {wanted.user} (0x{fault.hresult:08X}): give --user "
            "ContainerUser, ContainerAdministrator, or one of its own"
        )
    return fault


def _run(process: OpenProcess, deadline: Deadline, told: list[int]) -> int:
    """Its exit code, as this system has exit codes.

    Raises:
        Failure: it was ended at the deadline, or how it ended is not known.
        KeyboardInterrupt: it was ended by a signal to us.
        OSError: it was ended, for its output cannot be passed on.
    """
    from cni_hns.hcs.relay import Relay

    relay = Relay(process, _ours())
    status = None
    try:
        status = _exit(process, relay, deadline, told)
    finally:
        if status is None:
            _end(process)
        relay.ends_within(_LAST_OUTPUT_S)
        relay.stop()
    if relay.fault is not None:
        raise relay.fault
    if status is None:
        _say_why(process, deadline, told)
    if "exit_code" not in status.model_fields_set:
        raise Failure(
            f"process {process.id} has ended, and HCS does not say how: its container may have ended"
        )
    return _as_ours(status.exit_code)


def _exit(process: OpenProcess, relay: Relay, deadline: Deadline, told: list[int]) -> ProcessStatus | None:
    """How it ended; None where it has to be ended."""
    from cni_hns.binding.compute_errors import OutcomeUnknown

    while not told and relay.fault is None:
        try:
            return process.wait_for_exit(min(_LOOK_S, deadline.left_s()))
        except OutcomeUnknown:
            if deadline.expired:
                break
    return None


def _end(process: OpenProcess) -> None:
    from cni_hns.binding.compute import GONE

    with contextlib.suppress(*GONE):
        process.terminate(_CALL_S)


def _say_why(process: OpenProcess, deadline: Deadline, told: list[int]) -> NoReturn:
    if told:
        raise KeyboardInterrupt
    raise Failure(
        f"process {process.id} had not ended after {deadline.timeout_s:g} s, and was ended by force: give it "
        "more time with --timeout"
    )


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """The signals that came, in place of what they do else."""
    told: list[int] = []
    here = [signal.Signals[name] for name in _SIGNALS if name in signal.Signals.__members__]
    before = {one: signal.signal(one, lambda number, _frame: told.append(number)) for one in here}
    try:
        yield told
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _ours() -> Ours:
    """Those that this program was started with; without one there is no input, and output is lost."""
    from cni_hns.hcs.relay import Ours

    read = partial(os.read, sys.stdin.fileno()) if sys.stdin else lambda _size: b""
    return Ours(read, _writer(sys.stdout), _writer(sys.stderr))


def _writer(stream: TextIO | None) -> Callable[[bytes], object]:
    if stream is None:
        return len
    descriptor = stream.fileno()

    def write(data: bytes) -> None:
        while data:
            data = data[os.write(descriptor, data) :]

    return write


def _as_ours(exit_code: int) -> int:
    """Windows has 32 bits, which Python takes as a signed number; elsewhere what is too large is 255."""
    if os.name == "nt":
        return exit_code - _BITS if exit_code >= _SIGN else exit_code
    return min(exit_code, _LARGEST_CODE)
