"""Files laid down whole or not at all, and a running exe replaced.

Windows neither overwrites nor deletes the file of a running exe, but renames it: it is moved aside, and the
new one takes the name. Between the two renames the name does not exist, for as long as a rename takes. Where
the exe is not running, and on every other system, one rename does both.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil

from cni_hns.cli.failure import Failure
from cni_hns.cli.install.package import Package, digest

__all__ = ["ASIDE", "NEW", "damaged", "drop_left_over", "lay_contents", "move_aside", "put"]

NEW = ".cni-hns-new"
ASIDE = ".cni-hns-old-"
_EXECUTABLE, _FOLDER = 0o755, 0o755
_CHUNK_BYTES = 1 << 20


def damaged(folder: str, files: dict[str, str]) -> list[str]:
    """The files that are missing there, or hold something else; sorted."""
    return sorted(
        path for path, expected in files.items() if _digest_or_none(os.path.join(folder, path)) != expected
    )


def lay_contents(package: Package, folder: str) -> list[str]:
    """Lay the contents down in `folder`, under their final name only when all are there; what was done.

    A folder that is already there is checked, and what is missing or damaged is replaced.

    Raises:
        OSError: a file cannot be written.
        Failure: what was read is not what was built.
    """
    target = os.path.join(folder, package.folder)
    if os.path.isdir(target):
        wrong = damaged(target, package.files)
        for path in wrong:
            put(os.path.join(package.source, path), os.path.join(target, path), package.files[path])
        return [f"repaired {os.path.join(target, path)}" for path in wrong]
    fresh = target + NEW
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        for path, expected in sorted(package.files.items()):
            _copy(os.path.join(package.source, path), os.path.join(fresh, path), expected)
        os.chmod(fresh, _FOLDER)
        os.rename(fresh, target)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return [f"laid down {target} ({len(package.files)} files)"]


def put(source: str, target: str, expected: str) -> None:
    """Copy, check, and take the target's name in one step, or in two where it is an exe that runs.

    Raises: OSError, Failure.
    """
    fresh = target + NEW
    try:
        _copy(source, fresh, expected)
        try:
            os.replace(fresh, target)
        except PermissionError:
            if os.name != "nt" or not os.path.isfile(target):
                raise
            aside = move_aside(target)
            try:
                os.rename(fresh, target)
            except OSError:
                os.rename(aside, target)
                raise
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise


def move_aside(path: str) -> str:
    """Rename it to a name that is free; the new path. Raises: OSError."""
    aside = f"{path}{ASIDE}{secrets.token_hex(4)}"
    os.rename(path, aside)
    return aside


def drop_left_over(folder: str) -> list[str]:
    """Delete exes that were moved aside and what killed installs left; the paths that are still in use."""
    used = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        try:
            if name.endswith(NEW):
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
            elif ASIDE in name:
                os.unlink(path)
        except OSError:
            used.append(path)
    return used


def _copy(source: str, target: str, expected: str) -> None:
    """Copy to a new file, on the disk when this returns, and be sure that it is what was built."""
    os.makedirs(os.path.dirname(target), mode=_FOLDER, exist_ok=True)
    seen = hashlib.sha256()
    with open(source, "rb") as reader, open(target, "wb") as writer:
        while chunk := reader.read(_CHUNK_BYTES):
            seen.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    os.chmod(target, _EXECUTABLE)
    if seen.hexdigest() != expected:
        raise Failure(f'"{source}" is not what was built: the program is damaged, fetch it again')


def _digest_or_none(path: str) -> str | None:
    try:
        return digest(path)
    except OSError:
        return None
