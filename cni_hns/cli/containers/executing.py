"""`cni-hns container exec`: a command in a running container, as if it ran here."""

from __future__ import annotations

import contextlib
import subprocess
from math import inf
from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.containers.options import id_argument
from cni_hns.cli.failure import Failure
from cni_hns.cli.output import print_json
from cni_hns.cli.session import Session, in_this_session, json_option
from cni_hns.deadline import Deadline

if TYPE_CHECKING:
    from cni_hns.binding.errors import ServiceError
    from cni_hns.hcs.client import ComputeSystems
    from cni_hns.hcs.documents.processes import ProcessParameters
    from cni_hns.hcs.processes import OpenProcess
    from cni_hns.hcs.systems import OpenSystem

__all__ = ["exec_"]

# https://learn.microsoft.com/windows/win32/debug/system-error-codes--0-499-
_FILE_NOT_FOUND = (0x80070002, 0x80070003)
_NOT_A_FOLDER = 0x8007010B
# No account of this name; the account of this name is no user's.
_NO_SUCH_USER = (0x80070525, 0x80070534)


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
@json_option
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
    as_json: bool,
) -> int:
    """Run a command in a container that runs, with our input and output, and end with its exit code.

    Each word is an argument of its own; what only cmd knows is run by: -- cmd /c COMMAND. A command that
    still runs when the time is up, or at Ctrl-C, is ended by force. The container is open meanwhile: one that
    ends with its last handle lives at least as long as this command.

    With --json its output is one object at its end, with "stdout" and "stderr" as texts.
    """
    from cni_hns.cli.containers.attending import as_ours, attend, our_streams, signals
    from cni_hns.hcs.processes import CALL_S

    parameters = _parameters(words, user, env, workdir, no_stdin)
    systems, ours, out, err = session.systems(CALL_S), our_streams(), bytearray(), bytearray()
    if as_json:
        ours = ours._replace(write=out.extend, write_error=err.extend)
    with signals() as told, _opened(systems, system_id) as system, _begun(system, parameters) as process:
        deadline = Deadline(inf if timeout_s is None else timeout_s)
        exit_code = attend(process, ours, deadline, told)
    if as_json:
        ended = {"id": system_id, "processId": process.id, "exitCode": exit_code}
        print_json({**ended, "stdout": _text(out), "stderr": _text(err)})
    return as_ours(exit_code)


def _text(data: bytearray) -> str:
    """Bytes that are no UTF-8 as Python escapes them."""
    return data.decode("utf-8", "backslashreplace")


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
    from cni_hns.hcs.processes import CALL_S

    try:
        return system.create_process(parameters, CALL_S)
    except (SystemStopped, WrongState) as fault:
        raise Failure(_not_running(system)) from fault
    except ServiceError as fault:
        raise _explained(fault, system.id, parameters) from fault


def _not_running(system: OpenSystem) -> str:
    from cni_hns.binding.errors import ServiceError

    state = "Stopped"
    with contextlib.suppress(ServiceError):
        state = str(system.properties().state)
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
