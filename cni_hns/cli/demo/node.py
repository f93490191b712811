"""A simulated node in a folder of its own, and this program started on it as a runtime starts it.

Rule: every call is a process of its own with its own environment; what they share is the folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any, NamedTuple

__all__ = ["Answer", "DemoNode"]

# The verbs end themselves at their deadlines; this is for a program that cannot even do that.
_TIMEOUT_S = 180.0


class Answer(NamedTuple):
    """What came back from one process."""

    exit_code: int
    stdout: str
    stderr: str
    milliseconds: float

    @property
    def document(self) -> Any:
        """The JSON document on stdout; None where there is none."""
        try:
            return json.loads(self.stdout)
        except ValueError:
            return None


class DemoNode:
    """`folder` holds the simulated HNS, of the profile named; the ledger and the log lie below it."""

    def __init__(self, folder: str, profile: str = "") -> None:
        self.folder = folder
        self.profile = profile
        self.data_dir = os.path.join(folder, "cni-hns")
        self.configuration = self.path("demo.conf")

    @property
    def variables(self) -> dict[str, str]:
        """What a process of the program needs in its environment to work with this node."""
        chosen = {"CNI_HNS_SIMULATOR_PROFILE": self.profile} if self.profile else {}
        return {"CNI_HNS_SIMULATOR": self.folder, **chosen}

    def path(self, file: str) -> str:
        """Where a file of this name lies."""
        return os.path.join(self.folder, file)

    def write(self, file: str, document: dict[str, Any]) -> str:
        """Keep a document where commands can name it; its path."""
        path = self.path(file)
        with open(path, "w", encoding="utf-8") as opened:
            json.dump(document, opened, indent=2)
        return path

    def windows_build(self) -> int:
        """The build of the Windows that is simulated."""
        # Imported here because the Windows executable has every command, and no simulator.
        from cni_hns.simulator import open_simulator

        simulator = open_simulator(self.folder, self.profile)
        try:
            return simulator.machine().windows_build()
        finally:
            simulator.close()

    def plugin(self, variables: dict[str, str], document: dict[str, Any]) -> Answer:
        """One CNI call: these variables, this document on stdin."""
        return self._run([], variables, json.dumps(document))

    def operator(self, *arguments: str) -> Answer:
        """One command of an operator."""
        return self._run(list(arguments), {}, "")

    def _run(self, arguments: list[str], variables: dict[str, str], stdin: str) -> Answer:
        began = time.monotonic()
        done = subprocess.run(
            [*_front_door(), *arguments],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            env={**_environment(), **self.variables, **variables},
            timeout=_TIMEOUT_S,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr, (time.monotonic() - began) * 1000)


def _front_door() -> list[str]:
    """This program: the frozen executable, or the package under this interpreter."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "cni_hns"]


def _environment() -> dict[str, str]:
    """Ours without CNI variables, so that only what a step sends counts; UTF-8 on every system."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CNI_")}
    return {**inherited, "PYTHONUTF8": "1"}
