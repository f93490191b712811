"""Where each thing of the lane lies, and how a Windows program is started here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["Lane", "Missing"]

VARIABLE = "CNI_HNS_LANE"
WORKER = "CNI_HNS_LANE_WORKER"

# Debian's `wine` is a shell script that looks for this program: without it each start is a process less.
_WINE = Path("/usr/lib/wine/wine64")

# Wine sets these itself, whatever the caller says: `launch.c` sets them again.
_WINES_OWN = {"PATH", "PROGRAMDATA", "TEMP", "TMP", "USERPROFILE"}

_NOT_FOR_WINE = ("CNI_HNS_SIMULATOR", "PYTEST_")


class Missing(Exception):
    """A part of the lane is not there; the text says which, and what makes it."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not there; `python -m tests.lane` makes it")


class Lane:
    """The lane's folder. Every path it gives exists; a part that was not made is `Missing`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def here(cls) -> Lane:
        """The lane of this machine, made or not."""
        chosen = os.environ.get(VARIABLE)
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return cls(Path(chosen) if chosen else Path(cache) / "cni-hns-lane")

    @property
    def prefix(self) -> Path:
        """Wine's prefix: a Windows 10 with the stand-in DLLs in its System32. A worker has its own copy."""
        number, common = worker(), there(self.root / "prefix")
        return common if number is None else self.root / "prefixes" / str(number)

    @property
    def python(self) -> Path:
        """Windows CPython, with the project's needs installed."""
        return there(self.root / "python" / "python.exe")

    @property
    def pause_image(self) -> Path:
        """An image whose one program waits, for containerd's sandboxes."""
        return there(self.root / "pause.tar")

    def program(self, name: str, *, windows: bool = False) -> Path:
        """A released program, or a test program of ours."""
        return there(self.programs(windows=windows) / (f"{name}.exe" if windows else name))

    def kubernetes(self, name: str, *, windows: bool = False) -> Path:
        """A released program of Kubernetes, or etcd."""
        system = "windows" if windows else "linux"
        return there(self.root / "kubernetes" / system / (f"{name}.exe" if windows else name))

    def programs(self, *, windows: bool = False) -> Path:
        return self.root / "programs" / ("windows" if windows else "linux")

    def dist(self, *, windows: bool = False) -> Path:
        """What `pyinstaller build.spec` made from this checkout."""
        return self.root / "dist" / ("windows" if windows else "linux")

    def exe(self, *, windows: bool = False, onefile: bool = False) -> Path:
        """The plugin: the single file, or the one beside its contents folder."""
        name = "cni-hns.exe" if windows else "cni-hns"
        dist = self.dist(windows=windows)
        return there(dist / name if onefile else dist / "cni-hns-folder" / name)

    def wine_command(self, program: Path | str, *arguments: str) -> list[str]:
        """The command line that starts a Windows program, with `wine_environment`; a worker's on its core."""
        return [*_on_its_core(), str(there(_WINE)), str(program), *arguments]

    def wine_environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        """The variables for it: this process's, the prefix, no debug output, and those of the caller.

        The built Windows program refuses to work where a simulated node is named, and what this run of
        pytest was started with is not for one under Wine, which has fewer plugins.
        """
        own = {name: text for name, text in os.environ.items() if not name.startswith(_NOT_FOR_WINE)}
        return {**own, "WINEPREFIX": str(self.prefix), "WINEDEBUG": "-all", **(extra or {})}

    def launch_command(self, program: Path | str, *arguments: str) -> list[str]:
        """As `wine_command`, for a program to which `launch_environment` has to arrive."""
        return self.wine_command(self.program("launch", windows=True), str(program), *arguments)

    def launch_environment(self, extra: dict[str, str]) -> dict[str, str]:
        """As `wine_environment`, and the caller's PROGRAMDATA and the like reach the program."""
        return self.wine_environment(
            {f"LAUNCH_{name}" if name in _WINES_OWN else name: text for name, text in extra.items()}
        )

    @staticmethod
    def windows_path(path: Path | str) -> str:
        """The same file as a Windows program names it: Wine's drive Z: is the root."""
        return "Z:" + str(Path(path).absolute()).replace("/", "\\")


def worker() -> int | None:
    """The number of this process among those that share the lane (`tests.lane.wine.apart`); None: alone."""
    number = os.environ.get(WORKER)
    return int(number) if number else None


def _on_its_core() -> list[str]:
    """The beginning of a command line that is to stay on the core of this worker."""
    number = worker()
    if number is None or sys.platform != "linux":
        return []
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "--cpu-list", str(cores[number % len(cores)])]


def there(path: Path) -> Path:
    """The path, where it exists.

    Raises:
        Missing: it does not.
    """
    if not path.exists():
        raise Missing(path)
    return path
