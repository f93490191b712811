"""Who can write what this program trusts, and making a folder that nobody else can.

The ledger decides which address a pod gets and which endpoint is deleted, a plugin runs with our rights, and
a log is written with them: these belong to administrators, the system and whoever runs this.

Rule 1: what others can write is refused, never mended: what is in it may be theirs already.
Rule 2: a folder counts as others' too where its parent lets them put another one in its place. Further up
it is the administrator who chose the place.
Rule 3: a link is refused: what it leads to is chosen by whoever can change the link.
"""

from __future__ import annotations

import os
import stat

from cni_hns.typed import NamedTuple

__all__ = [
    "FILE_MODE",
    "Exposure",
    "exposed_file",
    "exposed_folder",
    "exposed_program",
    "is_link",
    "make_private_folder",
    "refused_log",
]

FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_LOG_FOLDER_MODE = 0o755
_PARENT_MODE = 0o755
_OTHERS_WRITE = 0o022
_WINDOWS = os.name == "nt"

# Set where the file stands for another one.
# https://learn.microsoft.com/windows/win32/fileio/reparse-point-tags
_NAME_SURROGATE = 0x2000_0000


class Exposure(NamedTuple):
    """Why a folder or file is not to be trusted, and what to do."""

    what: str
    next_step: str


def make_private_folder(folder: str) -> None:
    """Make `folder` for its owner alone; one that is there keeps the access it has.

    Raises:
        OSError: the folder cannot be made.
    """
    _make_folder(folder, _FOLDER_MODE)


def exposed_folder(folder: str) -> Exposure | None:
    """Why this folder is not to be trusted; None where it is, or is not there.

    One look at the folder and one at its parent.
    """
    status = _status(folder)
    if status is None or not (is_link(status) or stat.S_ISDIR(status.st_mode)):
        return None
    if is_link(status):
        return Exposure(f'the folder "{folder}" is a link', "name the folder that it leads to")
    return _written_by_others(folder, status) or _replaced_by_others(folder)


def exposed_file(path: str) -> Exposure | None:
    """Why this file is not to be trusted: a link, no regular file, or others write it; None where it is."""
    status = _status(path)
    if status is None:
        return None
    if is_link(status):
        return Exposure(f'"{path}" is a link', "take it away")
    if not stat.S_ISREG(status.st_mode):
        return Exposure(f'"{path}" is no regular file', "take it away")
    return _written_by_others(path, status)


def exposed_program(path: str) -> Exposure | None:
    """Why this program is not to be run: others can write it, or put one in its place or beside it.

    Where it is a link, all of that is asked of what it leads to as well.
    """
    leads_to = os.path.realpath(path)
    for folder in {os.path.dirname(path): None, os.path.dirname(leads_to): None}:
        exposure = exposed_folder(os.path.realpath(folder))
        if exposure is not None:
            return exposure
    return exposed_file(leads_to)


def refused_log(path: str) -> str:
    """Why nothing may be written to this log, empty where it may; its folder is made if it is not there."""
    folder = os.path.dirname(path)
    try:
        _make_folder(folder, _LOG_FOLDER_MODE)
    except OSError as fault:
        return f'its folder "{folder}" cannot be made: {fault.strerror or fault}'
    exposure = exposed_folder(folder) or exposed_file(path)
    return f"{exposure.what}; {exposure.next_step}" if exposure is not None else ""


def is_link(status: os.stat_result) -> bool:
    """Whether this, as `os.lstat` gave it, stands for another file: a symbolic link or a junction."""
    tag: int = getattr(status, "st_reparse_tag", 0)
    return stat.S_ISLNK(status.st_mode) or tag & _NAME_SURROGATE != 0


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        # Nothing there, or out of our reach: whoever opens it has the right words for it.
        return None


def _make_folder(folder: str, mode: int) -> None:
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    if parent and not os.path.isdir(parent):
        os.makedirs(parent, _PARENT_MODE, exist_ok=True)
    try:
        _make_one(folder, mode)
    except FileExistsError:
        if not os.path.isdir(folder):
            raise


def _make_one(folder: str, mode: int) -> None:
    """Windows knows no mode, and lets other accounts add files to a plain new folder below ProgramData."""
    if _WINDOWS:
        from cni_hns.binding.access_lists import make_private

        make_private(folder)
    else:
        os.mkdir(folder, mode)


def _written_by_others(path: str, status: os.stat_result) -> Exposure | None:
    if _WINDOWS:
        from cni_hns.binding import access_lists

        return _on_windows(path, access_lists.WRITE, inherited=True)
    return _on_posix(path, status, stat.S_IMODE(status.st_mode) & _OTHERS_WRITE != 0)


def _replaced_by_others(folder: str) -> Exposure | None:
    parent = os.path.dirname(folder)
    if _WINDOWS:
        from cni_hns.binding import access_lists

        return _on_windows(parent, access_lists.REPLACE, inherited=False)
    status = os.stat(parent)
    mode = stat.S_IMODE(status.st_mode)
    # In a sticky folder, as /tmp is, only an entry's own owner can rename it.
    return _on_posix(parent, status, mode & _OTHERS_WRITE != 0 and not mode & stat.S_ISVTX)


def _on_posix(path: str, status: os.stat_result, is_open: bool) -> Exposure | None:
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid not in (0, os.geteuid()):
        who, command = f"user {status.st_uid}, its owner", f'chown {os.geteuid()} "{path}"'
    elif is_open:
        who, command = f"others than its owner (mode {mode:04o})", f'chmod go-w "{path}"'
    else:
        return None
    return Exposure(f'"{path}" can be written by {who}', f"see that nothing in it is theirs, then: {command}")


def _on_windows(path: str, rights: int, *, inherited: bool) -> Exposure | None:
    from cni_hns.binding import access_lists

    try:
        others = access_lists.others(path, rights, inherited=inherited)
    except FileNotFoundError:
        return None  # the last process that had the ledger open took its -wal and -shm away at this moment
    except OSError as fault:
        return Exposure(f'who can write "{path}" cannot be read: {fault}', "run this as an administrator")
    if not others:
        return None
    names = ", ".join(access_lists.named(one) for one in others)
    return Exposure(
        f'"{path}" can be written by {names}',
        f"see that nothing in it is theirs, then: {access_lists.remedy(path, others)}",
    )
