"""An external IPAM plugin, run as the specification says (CNI SPEC, section 4).

Rule 1: it gets the bytes that this plugin got on stdin: a configuration that is written anew loses keys.
Rule 2: it is found in CNI_PATH only, started without a shell, and ended at the verb's deadline.
Rule 3: its error is passed on with its code; values of CNI_ARGS and of unknown keys are masked in its text.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys

from cni_hns.cni.errors import (
    BAD_VARIABLE,
    DECODE_FAILURE,
    INTERNAL,
    INVALID_CONFIG,
    IO_FAILURE,
    TRY_AGAIN,
    CniError,
)
from cni_hns.cni.result import Result, parse
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cni_hns.deadline import Deadline

__all__ = ["Delegate", "find_plugin"]

# What is left of the budget is for undoing what the caller has made so far, and for the answer.
_SHARE_OF_THE_DEADLINE = 0.8
_SHORTEST_SECRET = 4
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

    def add(self) -> Result:
        """The addresses, routes and DNS that the plugin gave.

        Raises:
            CniError: with the plugin's own code, or ours where it could not be run or understood.
        """
        text = self._run("ADD")
        try:
            document: Any = json.loads(text)
        except ValueError as fault:
            raise CniError(
                DECODE_FAILURE,
                f'IPAM plugin "{self.type}" succeeded without a result that is JSON',
                "update it",
            ) from fault
        try:
            return parse(document, self.version, where=f'the result of IPAM plugin "{self.type}"')
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
        status, output, errors = self._started(executable, command)
        if errors:
            self._pass_on(errors)
        if status != 0:
            raise self._failure(command, status, output, errors)
        return output

    def _started(self, executable: str, command: str) -> tuple[int, bytes, bytes]:
        import subprocess

        environment = {**os.environ, **self.variables, "CNI_COMMAND": command}
        timeout_s = self.deadline.left_s() * _SHARE_OF_THE_DEADLINE
        try:
            process = subprocess.Popen(
                [executable],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as fault:
            raise CniError(
                IO_FAILURE,
                f'IPAM plugin "{executable}" could not be started: {fault.strerror}',
                "check that it is a program for this system and may be executed",
            ) from fault
        try:
            output, errors = process.communicate(self.config, timeout=timeout_s)
        except subprocess.TimeoutExpired as fault:
            _end(process)
            raise CniError(
                TRY_AGAIN,
                f'IPAM plugin "{self.type}" did not answer {command} within {timeout_s:.0f} s and was ended',
                "see whether it waits for a lock or a server; try again",
            ) from fault
        return process.returncode, output, errors

    def _pass_on(self, errors: bytes) -> None:
        """CNI SPEC, section 4: the delegate's stderr is copied to our own, where there is one."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(self._masked(errors.decode(errors="replace")))

    def _failure(self, command: str, status: int, output: bytes, errors: bytes) -> CniError:
        """The plugin's error document; without a usable one its stderr, else the exit status."""
        who = f'IPAM plugin "{self.type}" failed ({command})'
        try:
            document = json.loads(output)
        except ValueError:
            document = None
        code = document.get("code", 0) if isinstance(document, dict) else None
        if isinstance(code, int) and code >= 0:
            words = self._masked(str(document.get("msg", "")))
            details = self._masked(str(document.get("details") or ""))
            # 0 is "unknown", and no error of ours may look like none.
            return CniError(code or INTERNAL, f"{who}: {words}", details)
        said = (errors or output).decode(errors="replace").strip()
        return CniError(
            INTERNAL, f"{who} with exit status {status} and no error document", self._masked(said)
        )

    def _masked(self, text: str) -> str:
        for secret in sorted(self.secrets, key=len, reverse=True):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, f"({len(secret)} characters)")
        return text


def find_plugin(plugin_type: str, path: Sequence[str]) -> str:
    """The program's full path: the first hit in the folders of CNI_PATH, in their order.

    Raises:
        CniError: code 7 for a type that is no file name, 4 where CNI_PATH has no such program.
    """
    if not plugin_type or "/" in plugin_type or "\\" in plugin_type or plugin_type in (".", ".."):
        raise CniError(INVALID_CONFIG, f"ipam.type {plugin_type!r} is not the file name of a plugin")
    names = [f"{plugin_type}.exe", plugin_type] if _WINDOWS else [plugin_type]
    # The current directory is not ours to rely on, and Windows starts nothing that was found relative to it.
    for folder in filter(os.path.isabs, path):
        for name in names:
            candidate = os.path.join(folder, name)
            if os.path.isfile(candidate):
                return candidate
    raise CniError(
        BAD_VARIABLE,
        f'IPAM plugin "{plugin_type}" is in none of the absolute folders of CNI_PATH '
        f"({os.pathsep.join(path) or 'empty'})",
        "install it in one of them, or correct ipam.type",
    )


def _end(process: Any) -> None:
    """Kill it and wait for its exit, not for its pipes: a child of its own that holds them may live on."""
    process.kill()
    process.wait()
    if _WINDOWS:
        # There, threads read the pipes: closing one would wait for its last holder. They end with us.
        return
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()
