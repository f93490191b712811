"""One call of a plugin as a runtime makes it, and all that a runtime sees of it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

__all__ = ["VARIABLES", "Call", "NotStarted", "Outcome", "Runner", "shortened"]

# CNI SPEC, section 2, "Parameters"; the last is the Go skeleton's.
VARIABLES = (
    "CNI_COMMAND",
    "CNI_CONTAINERID",
    "CNI_NETNS",
    "CNI_IFNAME",
    "CNI_ARGS",
    "CNI_PATH",
    "CNI_NETNS_OVERRIDE",
)

# Enough of a text to recognise it by; a report is not where a megabyte of log is read.
_SHOWN = 600


class NotStarted(Exception):
    """The plugin's program could not be started at all; `str()` says why."""


@dataclass(frozen=True)
class Call:
    """What a plugin is started with; a variable that is not in `variables` is not set."""

    variables: Mapping[str, str]
    stdin: bytes

    @property
    def command(self) -> str:
        return self.variables.get("CNI_COMMAND", "")

    def describe(self) -> str:
        """The variables, as a shell would be given them."""
        present = [(name, self.variables[name]) for name in VARIABLES if name in self.variables]
        return " ".join(f"{name}={shlex.quote(value)}" for name, value in present)


@dataclass(frozen=True)
class Outcome:
    """How one call ended. `exit_code` is None where it had to be ended from outside."""

    call: Call
    exit_code: int | None
    stdout: bytes
    stderr: bytes
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.exit_code == 0

    @cached_property
    def document(self) -> dict[str, Any] | None:
        """The first JSON object on stdout, whatever stands around it: hygiene is judged by its own checks."""
        return _first_object(self.stdout)

    @cached_property
    def error(self) -> dict[str, Any] | None:
        """The error document, from stdout, else from stderr; None where the call succeeded or gave none."""
        if self.ok:
            return None
        return self.document if self.document is not None else _first_object(self.stderr)

    @property
    def error_code(self) -> int | None:
        """The error document's code where it is an integer."""
        code = (self.error or {}).get("code")
        return code if isinstance(code, int) and not isinstance(code, bool) else None

    @property
    def error_text(self) -> str:
        """What the error says, message and details in one."""
        error = self.error or {}
        return f"{error.get('msg', '')} {error.get('details', '')}".strip()

    @property
    def is_one_document(self) -> bool:
        """Whether stdout is a single JSON object and nothing else."""
        try:
            return isinstance(json.loads(self.stdout.decode("utf-8", "replace")), dict)
        except ValueError:
            return False

    def headline(self) -> str:
        """The call and its end in one line."""
        end = "did not end" if self.exit_code is None else f"exit {self.exit_code}"
        name = self.call.variables.get("CNI_CONTAINERID", "")
        ifname = self.call.variables.get("CNI_IFNAME", "")
        return " ".join(part for part in (self.call.command, name, ifname, "->", end) if part)

    def describe(self) -> list[str]:
        """Everything that was sent and seen, long texts shortened."""
        return [
            f"variables: {self.call.describe()}",
            f"stdin: {shortened(self.call.stdin)}",
            f"exit code: {'none, it was ended' if self.exit_code is None else self.exit_code}",
            f"stdout: {shortened(self.stdout)}",
            f"stderr: {shortened(self.stderr)}",
        ]


Runner = Callable[[Call], Outcome]
"""Starts the plugin once. Raises: NotStarted."""


def shortened(data: bytes) -> str:
    """Bytes as one line of text, white space drawn together, cut at a length that can be read."""
    text = " ".join(data.decode("utf-8", "backslashreplace").split())
    if not text:
        return "(empty)"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(data)} bytes)"


def _first_object(data: bytes) -> dict[str, Any] | None:
    text = data.decode("utf-8", "replace")
    start = text.find("{")
    while start >= 0:
        try:
            found, _ = json.JSONDecoder().raw_decode(text, start)
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
        start = text.find("{", start + 1)
    return None
