"""How Windows programs run here: beside one that is idle, and with their memory where Wine needs it.

Wine's server starts with the first of them and ends after the last, seconds each time. Every program asks it
a thousand times and waits for each answer: two cores that wake each other cost more than the second brings.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.lane.lane import WORKER, Lane

__all__ = ["apart", "captured", "drive", "end_server", "keep_addresses", "warm"]

_NO_RANDOM_ADDRESSES = 0x0040000  # personality(2)

_LETTERS = "ghijklmnopqrstuvwxy"
_SERVER = "/usr/lib/wine/wineserver64"


def keep_addresses() -> bool:
    """Start programs from here on without random addresses; whether that is allowed.

    Wine needs one page at a fixed address. Linux puts a program's heap at a random one: in one start of some
    thousands it lies there already, and Wine ends with exit code 1 before the program's first instruction.
    """
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).personality(_NO_RANDOM_ADDRESSES) != -1)


def apart(number: int) -> None:
    """This process is one of several workers: its Windows programs have their own Wine, all on one core."""
    os.environ[WORKER] = str(number)


def captured(lane: Lane, program: Path | str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """A Windows program run to its end, all its output in `stdout`.

    Windows Python takes no plain file for its output; a pipe it takes.
    """
    return subprocess.run(
        lane.wine_command(program, *arguments),
        env=lane.wine_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


@contextmanager
def warm(lane: Lane) -> Iterator[None]:
    """An idle Windows program runs for as long as the context lasts, so that none waits for the server."""
    keep_addresses()
    _bring_prefix(lane)
    idle = subprocess.Popen(
        lane.wine_command("cmd.exe", "/c", "pause"),
        env=lane.wine_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert idle.stdout is not None
        idle.stdout.read(1)  # it has started when it asks for a key
        yield
    finally:
        idle.communicate(b"\n", timeout=30)


def _bring_prefix(lane: Lane) -> None:
    """A worker's copy of the lane's prefix, made again where that was."""
    common, own = lane.root / "prefix", lane.prefix
    if own == common:
        return
    made_from, stamp = (lane.root / "stamps" / "prefix").read_text(), own / "made-from"
    if stamp.exists() and stamp.read_text() == made_from:
        return
    shutil.rmtree(own, ignore_errors=True)
    shutil.copytree(common, own, symlinks=True)
    stamp.write_text(made_from)


def end_server(lane: Lane) -> None:
    """End every Windows program of the prefix, and wait until its state is on the disk."""
    for flag in ("-k", "-w"):
        subprocess.run([_SERVER, flag], env=lane.wine_environment(), check=False)


@contextmanager
def drive(lane: Lane, folder: Path) -> Iterator[str]:
    """A letter for this folder, a link in Wine's folder of drives: what starts in it has its own `/var`."""
    devices = lane.prefix / "dosdevices"
    for letter in _LETTERS:
        link = devices / f"{letter}:"
        if link.is_symlink() and not link.exists():
            link.unlink(missing_ok=True)  # its test was killed
        with suppress(FileExistsError):
            link.symlink_to(folder)
            break
    else:
        raise RuntimeError(f"all drives of {devices} are taken")
    try:
        yield letter
    finally:
        if _leads_to(link, folder):  # whose folder went first, its letter can be another's by now
            link.unlink()


def _leads_to(link: Path, folder: Path) -> bool:
    try:
        return link.readlink() == folder
    except OSError:
        return False
