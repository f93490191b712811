"""Calls as processes: the plugin's program started once per call, as libcni starts it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from cni_hns.conformance.wire import VARIABLES, Call, NotStarted, Outcome

__all__ = ["ProcessRunner"]

# After a kill: a grandchild may hold the pipes for as long as it likes.
_LAST_WORDS_S = 2.0


class ProcessRunner:
    """Starts `command` with the environment of this process, less every variable of the protocol."""

    def __init__(
        self, command: Sequence[str], timeout_s: float, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = list(command)
        self._timeout_s = timeout_s
        inherited = os.environ if environment is None else environment
        self._environment = {key: value for key, value in inherited.items() if key not in VARIABLES}

    def __call__(self, call: Call) -> Outcome:
        began = time.monotonic()
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**self._environment, **call.variables},
            )
        except OSError as fault:
            raise NotStarted(f"{self._command[0]}: {fault.strerror or fault}") from fault
        exit_code, stdout, stderr = self._wait(process, call.stdin)
        return Outcome(call, exit_code, stdout, stderr, time.monotonic() - began)

    def _wait(self, process: subprocess.Popen[bytes], stdin: bytes) -> tuple[int | None, bytes, bytes]:
        with process:
            try:
                stdout, stderr = process.communicate(stdin, timeout=self._timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                return (None, *_last_words(process))
            except BaseException:
                process.kill()
                raise
            return process.returncode, stdout, stderr


def _last_words(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    with suppress(subprocess.TimeoutExpired):
        return process.communicate(timeout=_LAST_WORDS_S)
    return b"", b""
