"""One agent at a time on a node: a file in the data folder that the operating system keeps locked.

The lock ends with its process, however that ends; what the file says is for people only.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from cni_hns.binding.access import FILE_MODE, make_private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["AnotherAgent", "alone", "is_running"]

NAME = "agent.lock"
# Behind anything that is ever written there: on Windows nobody else can read a byte that is locked.
_LOCKED_BYTE = 0x7FFF_FFF0
_LONGEST = 20


class AnotherAgent(Exception):
    """An agent runs on this node already, with this data folder."""


@contextlib.contextmanager
def alone(folder: str) -> Iterator[None]:
    """Be the one agent of this data folder for the time of the `with`.

    Raises:
        AnotherAgent: another process is. OSError: the folder cannot be written.
    """
    make_private_folder(folder)
    path = os.path.join(folder, NAME)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), FILE_MODE)
    try:
        if not _locked(descriptor):
            who = os.read(descriptor, _LONGEST).decode("ascii", "replace").strip() or "?"
            raise AnotherAgent(
                f'another agent, process {who}, runs on this node already: it has "{path}" locked. Stop that '
                "one first, or leave it to its work: `cni-hns cluster status` shows what it does"
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def is_running(folder: str) -> bool:
    """Whether an agent has this data folder now. Raises: OSError: it cannot be told."""
    try:
        descriptor = os.open(os.path.join(folder, NAME), os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return False
    try:
        return not _locked(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "win32":

    def _locked(descriptor: int) -> bool:
        import msvcrt

        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:

    def _locked(descriptor: int) -> bool:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
