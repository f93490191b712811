"""The packagings of the program, and which of them the tests drive: `pytest --packaging`.

    in-process       each verb is a call of the front door's function in the test's process (the default)
    module           `python -m cni_hns`
    frozen           the program that PyInstaller made for this system, beside its contents folder
    frozen-onefile   the same as a single file
    windows          the Windows program beside its contents folder, under Wine, on the stand-in DLLs
    windows-onefile  the same as a single file

Rule: a test asks `current()` for what differs (how a path is written, what a killed process returns), and is
the same test in each of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from tests.lane import Lane
from tests.lane.wine import warm

__all__ = ["IN_PROCESS", "NAMES", "Packaging", "choose", "current", "give", "wait_for_wines_services"]

ROOT = Path(__file__).parent.parent

IN_PROCESS = "in-process"
NAMES = [IN_PROCESS, "module", "frozen", "frozen-onefile", "windows", "windows-onefile"]


class Packaging:
    """One packaging: how a process of the program is started, and how it sees the node in a folder."""

    def __init__(self, name: str, lane: Lane | None = None) -> None:
        self.name = name
        self.lane = lane or Lane.here()
        self.is_in_process = name == IN_PROCESS
        self.is_frozen = name.startswith(("frozen", "windows"))
        self.on_windows = name.startswith("windows")
        self.is_single_file = name.endswith("onefile")
        self.slowness = 4 if self.on_windows else 1
        """By how much more a verb needs for its steps than in a test's process."""
        self.started = 0
        """How many processes of the program have been started."""

    def command(self, program: Path | None = None) -> list[str]:
        """What starts the program; `program` is a copy of it that `named` made."""
        if not self.is_frozen:
            return [sys.executable, "-m", "cni_hns"]
        exe = program or self.lane.exe(windows=self.on_windows, onefile=self.is_single_file)
        return self.lane.launch_command(exe) if self.on_windows else [str(exe)]

    def environment(self, folder: Path, service: str = "") -> dict[str, str]:
        """The variables with which it finds the node in this folder; `service` is where its HNS is served."""
        if self.on_windows:
            own = {"CNI_HNS_STANDIN": service, "PROGRAMDATA": self.path(folder)}
            return self.lane.launch_environment(own)
        python = {} if self.is_frozen else {"PYTHONPATH": str(ROOT)}
        return {**os.environ, **python, "CNI_HNS_SIMULATOR": str(folder)}

    def up(self) -> AbstractContextManager[None]:
        """What runs beside all the tests: an idle Windows program, where there are Windows programs."""
        return warm(self.lane) if self.on_windows else nullcontext()

    def path(self, path: Path | str) -> str:
        """A file as a configuration for this program names it."""
        return self.lane.windows_path(path) if self.on_windows else str(path)

    def local(self, path: str) -> Path:
        """A path that the program printed, as this process names it."""
        return Path(path.removeprefix("Z:").replace("\\", "/") if self.on_windows else path)

    def path_list(self, *folders: Path | str) -> str:
        """CNI_PATH of these folders."""
        separator = ";" if self.on_windows else os.pathsep
        return separator.join(self.path(folder) for folder in folders)

    def named(self, name: str, folder: Path) -> Path:
        """The program under another name, as an installation of it would have it."""
        exe = self.lane.exe(windows=self.on_windows, onefile=self.is_single_file)
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / (f"{name}.exe" if self.on_windows else name)
        shutil.copy2(exe, copy)
        if not self.is_single_file:
            for contents in exe.parent.iterdir():
                if contents.is_dir() and not (folder / contents.name).exists():
                    (folder / contents.name).symlink_to(contents)
        return copy

    def start(
        self,
        variables: dict[str, str],
        config: bytes | None,
        program: Path | None = None,
        folder: Path | None = None,
        arguments: Sequence[str] = (),
    ) -> subprocess.Popen[bytes]:
        """A process with these variables, its streams pipes; without a configuration stdin stays open."""
        self.started += 1
        process = subprocess.Popen(
            [*self.command(program), *arguments],
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
        )
        if config is not None:
            give(process, config)
        return process


def give(process: subprocess.Popen[bytes], config: bytes) -> None:
    """Write the configuration and close stdin; a process may have ended before it read it all."""
    assert process.stdin is not None
    try:
        process.stdin.write(config)
        process.stdin.close()
    except BrokenPipeError:
        pass
    process.stdin = None


_chosen = [Packaging(IN_PROCESS)]

# With the tests Wine starts its services.
_BEGAN = time.monotonic()
_SETTLED_S = 75.0


def wait_for_wines_services() -> None:
    """Until they have run for more than a minute; nothing, where no Windows program is tested."""
    if current().on_windows:
        time.sleep(max(0.0, _BEGAN + _SETTLED_S - time.monotonic()))


def choose(name: str) -> Packaging:
    """From now on the tests drive this packaging."""
    _chosen[0] = Packaging(name)
    return _chosen[0]


def current() -> Packaging:
    """The packaging that the tests drive."""
    return _chosen[0]
