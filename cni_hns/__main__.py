"""The front door: a runtime's call where CNI_COMMAND is set, the operator's commands otherwise.

Only here are the environment, the standard streams and the exit code touched, and only here it is chosen
which HNS the rest works with.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Mapping

from cni_hns.typed import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from cni_hns.binding.libraries import Libraries, Machine
    from cni_hns.cni.errors import CniError
    from cni_hns.log import Log

__all__ = ["choose_hns", "main", "refusal"]

SIMULATOR_VARIABLE = "CNI_HNS_SIMULATOR"
PROFILE_VARIABLE = "CNI_HNS_SIMULATOR_PROFILE"

_STDIN, _STDOUT = 0, 1


def main() -> int:
    """Answer a runtime, or run an operator's command; the exit code."""
    if os.environ.get("CNI_COMMAND"):
        # The process ends before anything that it leaves behind would matter; looking for it takes time.
        gc.disable()
        _answer_runtime(os.environ)
    refused = refusal(os.environ)
    if refused is not None:
        sys.stderr.write(f"cni-hns: {refused}\n")
        return 1
    from cni_hns.cli import main as operator

    return operator(sys.argv[1:], choose_hns(os.environ))


def choose_hns(environ: Mapping[str, str]) -> Callable[[], tuple[Libraries, Machine]]:
    """What opens the HNS of this call, when a verb first needs it."""
    refused = refusal(environ)
    if refused is not None:
        return lambda: _refuse(refused)
    folder = environ.get(SIMULATOR_VARIABLE, "")
    if folder:
        return lambda: _simulated(folder, environ.get(PROFILE_VARIABLE, ""))
    return _of_windows if os.name == "nt" else _none


def refusal(environ: Mapping[str, str]) -> CniError | None:
    """Why this program does nothing here: whoever set the variables believes to be on a simulated node.

    The frozen Windows exe runs with high rights on a real node: there no variable of the environment decides
    what code it talks to, and it has no simulator. To pass the variables over would be worse: what was meant
    for a simulated node would be done to the real one.
    """
    shipped = os.name == "nt" and bool(getattr(sys, "frozen", False))
    given = [name for name in (SIMULATOR_VARIABLE, PROFILE_VARIABLE) if environ.get(name)] if shipped else []
    if not given:
        return None
    from cni_hns.cni.errors import BAD_VARIABLE, CniError

    return CniError(
        BAD_VARIABLE,
        f"{given[0]} is set, and this program has no simulated HNS: it works on the real node only, and has "
        "done nothing",
        f"to work on the real node: Remove-Item {', '.join(f'Env:{name}' for name in given)}; on a simulated "
        "one: `python -m cni_hns` of the Python package",
    )


def _refuse(refused: CniError) -> NoReturn:
    raise refused


def _answer_runtime(environ: Mapping[str, str]) -> NoReturn:
    from functools import partial

    from cni_hns.cni.configuration import LIMIT_BYTES
    from cni_hns.log import Log
    from cni_hns.plugin import make_node, run
    from cni_hns.stdio import Outlet, read_stdin, write_stdout

    # stdout belongs to the one document: what a library prints must not get in between.
    sys.stdout = sys.stderr
    outlet = Outlet(partial(write_stdout, _STDOUT), os._exit)
    refused = refusal(environ)
    log = Log()
    # PyInstaller's single files unpack themselves into a folder of this name; all others spare a module here.
    if "_MEI" in getattr(sys, "_MEIPASS", ""):
        _tell_of_single_file(log)
    answer = run(
        environ,
        partial(read_stdin, _STDIN, LIMIT_BYTES),
        choose_hns(environ),
        log,
        outlet=outlet,
        # Not even the ledger is opened: a verb looks into it before it asks HNS.
        make_node=make_node if refused is None else lambda *_: _refuse(refused),
    )
    # Before the answer: after it nobody watches any more, and nobody may be reading stderr.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    try:
        delivered = outlet.deliver(answer.stdout)
    except OSError:
        # The runtime has gone and closed the pipe: nobody is left to tell.
        delivered = False
    # At once: no wait for a thread that stdin or a hung HNS call still holds.
    os._exit(answer.exit_code if delivered else 1)


def _tell_of_single_file(log: Log) -> None:
    from cni_hns.single_file import remedy, this_single_file

    if exe := this_single_file():
        log.note(remedy(exe))


def _simulated(folder: str, profile: str) -> tuple[Libraries, Machine]:
    from cni_hns.simulator import UnknownProfile, open_simulator

    try:
        simulator = open_simulator(folder, profile)
        return simulator.libraries(), simulator.machine()
    except UnknownProfile as fault:
        from cni_hns.cni.errors import BAD_VARIABLE, CniError

        raise CniError(BAD_VARIABLE, f"{PROFILE_VARIABLE} cannot be used: {fault}") from fault
    except OSError as fault:
        from cni_hns.cni.errors import IO_FAILURE, CniError

        raise CniError(
            IO_FAILURE,
            f'the simulated HNS in the folder "{folder}" cannot be opened: {fault.strerror}',
            f"{SIMULATOR_VARIABLE} must name a folder that can be written",
        ) from fault


def _of_windows() -> tuple[Libraries, Machine]:
    from cni_hns.binding import windows

    return windows.load()


def _none() -> NoReturn:
    from cni_hns.cni.errors import NO_HNS, CniError

    raise CniError(
        NO_HNS,
        f"this machine ({sys.platform}) has no Host Compute Network service",
        f"on Windows the plugin uses the node's own; elsewhere set {SIMULATOR_VARIABLE}=<folder> to use a "
        "simulated one, whose state lies in that folder (`cni-hns demo` shows it)",
    )


if __name__ == "__main__":
    sys.exit(main())
