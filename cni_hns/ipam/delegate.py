"""An external IPAM plugin, run as the specification says (CNI SPEC, section 4).

Rule 1: it gets the bytes that this plugin got on stdin: a configuration that is written anew loses keys.
Rule 2: it is found in CNI_PATH only, started without a shell, and ended at the verb's deadline.
Rule 3: what it prints is bounded, and with it ends all that it started (`binding.children`).
Rule 4: its error is passed on with its code; values of CNI_ARGS and of unknown keys are masked in its text.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys

from cni_hns.binding.access import exposed_program
from cni_hns.binding.children import STDOUT_BYTES, run
from cni_hns.cni.errors import (
    BAD_VARIABLE,
    DECODE_FAILURE,
    INVALID_CONFIG,
    IO_FAILURE,
    IPAM_FAILED,
    TRY_AGAIN,
    CniError,
)
from cni_hns.cni.result import Result, parse
from cni_hns.log import one_line
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cni_hns.binding.children import Ended
    from cni_hns.deadline import Deadline
    from cni_hns.log import Log

__all__ = ["Delegate", "find_plugin"]

# What is left of the budget is for undoing what the caller has made so far, and for the answer.
_SHARE_OF_THE_DEADLINE = 0.8
_SHORTEST_SECRET = 4
# Go programs read a code as an unsigned number, some of them of 32 bits.
_HIGHEST_CODE = 2**31 - 1
_WINDOWS = os.name == "nt"


class Delegate(NamedTuple):
    """One external IPAM plugin for one attachment (or, for GC and STATUS, for none).

    `secrets` are texts that must not appear in an error of ours. `variables` are the CNI variables to set.
    """

    type: str
    path: Sequence[str]
    config: bytes
    version: str
    variables: Mapping[str, str]
    secrets: Sequence[str]
    deadline: Deadline
    log: Log

    def add(self) -> Result:
        """The addresses, routes and DNS that the plugin gave.

        Raises:
            CniError: with the plugin's own code, or ours where it could not be run or understood.
        """
        text = self._run("ADD")
        try:
            document: Any = json.loads(text)
        except (ValueError, RecursionError) as fault:
            raise CniError(
                DECODE_FAILURE,
                f'IPAM plugin "{self.type}" succeeded without a result that is JSON',
                "update it",
            ) from fault
        try:
            return parse(document, self.version, where=f'the result of IPAM plugin "{self.type}"')
        except RecursionError as fault:
            raise CniError(
                DECODE_FAILURE, f'the result of IPAM plugin "{self.type}" is nested too deep'
            ) from fault
        except CniError as fault:
            raise CniError(fault.code, self._masked(fault.msg), self._masked(fault.details)) from fault

    def delete(self) -> None:
        """The attachment's addresses are free; none is a success too. Raises: CniError."""
        self._run("DEL")

    def check(self) -> None:
        """Raises: CniError, what the plugin found."""
        self._run("CHECK")

    def collect(self) -> None:
        """Pass GC on. Raises: CniError."""
        self._run("GC")

    def status(self) -> None:
        """Raises: CniError, why the plugin could give no address."""
        self._run("STATUS")

    def _run(self, command: str) -> bytes:
        """What the plugin wrote to stdout when it succeeded."""
        executable = find_plugin(self.type, self.path)
        ended = self._ended(executable, command)
        if ended.stderr:
            self._pass_on(ended.stderr)
        if ended.overflowed:
            raise CniError(
                IPAM_FAILED,
                f'IPAM plugin "{self.type}" printed more than {STDOUT_BYTES} bytes ({command}) and was ended',
                "no result of CNI is that long: see what the program is",
            )
        if ended.status != 0 or _is_error(ended.stdout):
            raise self._failure(command, ended.status, ended.stdout, ended.stderr)
        return ended.stdout

    def _ended(self, executable: str, command: str) -> Ended:
        """How the plugin ended by itself, or by what it printed."""
        timeout_s = self.deadline.left_s() * _SHARE_OF_THE_DEADLINE
        environment = {**os.environ, **self.variables, "CNI_COMMAND": command}
        self.log.child_begins(f'IPAM plugin "{self.type}" ({command})')
        try:
            ended = run(executable, environment, self.config, timeout_s)
        except (OSError, ValueError) as fault:  # ValueError: no program can be given a NUL
            reason = getattr(fault, "strerror", None) or fault
            raise CniError(
                IO_FAILURE,
                f'IPAM plugin "{executable}" could not be started: {reason}',
                "check that it is a program for this system and may be executed",
            ) from fault
        finally:
            self.log.child_ends()
        if ended.late:
            raise CniError(
                TRY_AGAIN,
                f'IPAM plugin "{self.type}" did not answer {command} within {timeout_s:.0f} s and was ended',
                "see whether it waits for a lock or a server; try again",
            )
        return ended

    def _pass_on(self, errors: bytes) -> None:
        """CNI SPEC, section 4: the delegate's stderr is copied to our own, where there is one."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            for line in self._masked(errors.decode(errors="replace")).splitlines():
                sys.stderr.write(one_line(line) + "\n")

    def _failure(self, command: str, status: int, output: bytes, errors: bytes) -> CniError:
        """The plugin's error document; without a usable one its stderr, else the exit status."""
        who = f'IPAM plugin "{self.type}" failed ({command})'
        try:
            document = json.loads(output)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict) and ("code" in document or "msg" in document):
            words = self._masked(str(document.get("msg", "")))
            details = self._masked(str(document.get("details") or ""))
            return CniError(_own_code(document.get("code")), f"{who}: {words}", details)
        said = (errors or output).decode(errors="replace").strip()
        return CniError(
            IPAM_FAILED, f"{who} with exit status {status} and no error document", self._masked(said)
        )

    def _masked(self, text: str) -> str:
        for secret in sorted(self.secrets, key=len, reverse=True):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, f"({len(secret)} characters)")
        return text


def _is_error(output: bytes) -> bool:
    """Whether this is an error document, whatever the exit status says: a result has no code."""
    if b'"code"' not in output:
        return False
    try:
        document = json.loads(output)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and bool(document.get("code")) and "ips" not in document


def _own_code(code: object) -> int:
    """The plugin's code; ours where it has none that a runtime could read: 0 is "unknown"."""
    usable = isinstance(code, int) and not isinstance(code, bool) and 0 < code <= _HIGHEST_CODE
    return int(code) if usable else IPAM_FAILED  # type: ignore[call-overload]


def find_plugin(plugin_type: str, path: Sequence[str]) -> str:
    """The program's full path: the first hit in the folders of CNI_PATH, in their order.

    Raises:
        CniError: code 7 for a type that is no file name, 4 where CNI_PATH has no such program, or one that
            others could have written.
    """
    if not plugin_type or "/" in plugin_type or "\\" in plugin_type or plugin_type in (".", ".."):
        raise CniError(INVALID_CONFIG, f"ipam.type {plugin_type!r} is not the file name of a plugin")
    names = [f"{plugin_type}.exe", plugin_type] if _WINDOWS else [plugin_type]
    # The current directory is not ours to rely on, and Windows starts nothing that was found relative to it.
    for folder in filter(os.path.isabs, path):
        for name in names:
            candidate = os.path.join(folder, name)
            if os.path.isfile(candidate):
                _refuse_what_others_can_write(candidate)
                return candidate
    raise CniError(
        BAD_VARIABLE,
        f'IPAM plugin "{plugin_type}" is in none of the absolute folders of CNI_PATH '
        f"({os.pathsep.join(path) or 'empty'})",
        "install it in one of them, or correct ipam.type",
    )


def _refuse_what_others_can_write(program: str) -> None:
    """It would run with our rights."""
    exposure = exposed_program(program)
    if exposure is not None:
        raise CniError(
            BAD_VARIABLE, f'IPAM plugin "{program}" is not run: {exposure.what}', exposure.next_step
        )
