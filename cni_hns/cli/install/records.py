"""What was installed into a folder, in a file there, and the lock that lets one install work at a time."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import IO

from cni_hns.cli.failure import Failure

__all__ = ["LOCK", "RECORDS", "Records", "locked", "read_records"]

# No suffix that containerd takes for a configuration, should both folders be one.
RECORDS = "cni-hns.installed"
LOCK = "cni-hns.install.lock"


class Records:
    """Rule: written before the thing is done, so that whoever finishes a killed install knows what is ours.

    `exes`: name -> digests of what we ever put there; `peers`: name -> name under which a peer's exe is kept;
    `folders`: contents folder -> when it was superseded (seconds since 1970), None for the current one.
    """

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, RECORDS)
        self.version = ""
        self.exes: dict[str, list[str]] = {}
        self.peers: dict[str, str] = {}
        self.folders: dict[str, float | None] = {}

    def save(self) -> None:
        """Replace the file in one step. Raises: OSError."""
        new = self.path + ".new"
        document = {
            "version": self.version,
            "exes": self.exes,
            "peers": self.peers,
            "folders": self.folders,
        }
        with open(new, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.path)


def read_records(folder: str) -> Records:
    """What the file says; nothing where there is none.

    Raises:
        Failure: it is damaged: what is ours is not guessed.
    """
    records = Records(folder)
    try:
        with open(records.path, encoding="utf-8") as file:
            document = json.load(file)
        records.version = str(document["version"])
        records.exes = {str(name): list(digests) for name, digests in document["exes"].items()}
        records.peers = dict(document["peers"])
        records.folders = dict(document["folders"])
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise Failure(
            f'"{records.path}", which says what was installed, cannot be read: {fault}; restore it, or '
            "delete it and install again (exes found then are kept aside as a peer's)"
        ) from fault
    return records


@contextlib.contextmanager
def locked(folder: str) -> Iterator[None]:
    """This process alone installs into the folder; the system frees the lock of a killed one.

    Raises:
        Failure: another process holds it, or the folder cannot be written.
    """
    path = os.path.join(folder, LOCK)
    try:
        file = open(path, "a+b")  # noqa: SIM115
    except OSError as fault:
        raise Failure(f'"{folder}" cannot be written: {fault.strerror or fault}') from fault
    with file:
        try:
            _lock(file)
        except OSError as fault:
            raise Failure(
                f'another install or uninstall works in "{folder}"; try again when it has ended'
            ) from fault
        yield


if sys.platform == "win32":

    def _lock(file: IO[bytes]) -> None:
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:

    def _lock(file: IO[bytes]) -> None:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
