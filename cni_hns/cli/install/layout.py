"""The program laid into a folder, and taken out again. `done` lists say what was done, a line each.

Order of an install: records, contents folder, exes. The exe names its contents folder, so replacing the exe
is the switch; a process that started before it goes on with the old folder, which stays for `GRACE_S`
at least.
Killed at any step, the next install finishes the work: every step looks at what is there first.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from typing import NamedTuple

from cni_hns.cli.failure import Failure
from cni_hns.cli.install.built import is_single_file
from cni_hns.cli.install.files import NEW, damaged, drop_left_over, lay_contents, move_aside, put
from cni_hns.cli.install.package import LAYOUT, Package, digest, read_package
from cni_hns.cli.install.records import LOCK, Records, locked, read_records

__all__ = ["GRACE_S", "PEER", "Removal", "exe_name", "foresee", "lay_down", "remove", "vanishing"]

# Longer than any verb may take (the longest has 100 s).
GRACE_S = 600.0
PEER = ".before-cni-hns"


class Removal(NamedTuple):
    """What uninstall did, and what it left: path and why."""

    done: list[str]
    kept: list[str]


def exe_name(name: str) -> str:
    """The file name of an exe on this system."""
    bare = name[:-4] if name.lower().endswith(".exe") else name
    return f"{bare}.exe" if os.name == "nt" else bare


def foresee(package: Package, folder: str, names: list[str]) -> list[str]:
    """What `lay_down` would do."""
    target = os.path.join(folder, package.folder)
    wrong = damaged(target, package.files)
    would = []
    if not os.path.isdir(target):
        would.append(f"would lay down {target} ({len(package.files)} files)")
    else:
        would += [f"would repair {os.path.join(target, path)}" for path in wrong]
    records, expected = read_records(folder), digest(package.exe)
    for name in names:
        path = os.path.join(folder, name)
        present = _present(path)
        if present == expected:
            continue
        if _is_foreign(records, folder, name):
            would.append(f"would keep {path} aside as {name + PEER}")
        would.append(f"would {'replace' if present else 'put'} {path}")
    return would


def lay_down(package: Package, folder: str, names: list[str], now: float | None = None) -> list[str]:
    """Install the package under these exe names.

    Raises:
        Failure: the folder is no folder, cannot be written, is being installed into, or the disk is full.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        with locked(folder):
            return _lay_down(package, folder, names, time.time() if now is None else now)
    except OSError as fault:
        raise Failure(
            f'not installed: "{fault.filename2 or fault.filename or folder}": {fault.strerror or fault}; '
            "what was there before still works, and the next install finishes this one"
        ) from fault


def _lay_down(package: Package, folder: str, names: list[str], now: float) -> list[str]:
    drop_left_over(folder)
    records = read_records(folder)
    for old, since in records.folders.items():
        records.folders[old] = now if since is None and old != package.folder else since
    records.folders[package.folder] = None
    records.version = package.version
    # Every name that is ours follows: a runtime may call any of them.
    wanted = [*names, *(name for name in records.exes if name not in names)]
    expected = digest(package.exe)
    peers = [name for name in wanted if _is_foreign(records, folder, name)]
    for name in wanted:
        if expected not in records.exes.setdefault(name, []):
            records.exes[name].append(expected)
    records.peers |= {name: name + PEER for name in peers}
    records.save()
    done = lay_contents(package, folder)
    for name in wanted:
        done += _put_exe(package, os.path.join(folder, name), expected, keep=name in peers)
    done += _drop_superseded(records, folder, now)
    drop_left_over(folder)
    _verify(package, folder, wanted, expected)
    return done


def _put_exe(package: Package, path: str, expected: str, *, keep: bool) -> list[str]:
    present = _present(path)
    if present == expected:
        return []
    done = []
    if keep and present is not None:
        # A copy, not a rename: the name never stands for nothing.
        shutil.copy2(path, path + PEER + NEW)
        os.replace(path + PEER + NEW, path + PEER)
        done.append(f"kept {path} as {os.path.basename(path) + PEER}")
    put(package.exe, path, expected)
    return [*done, f"{'replaced' if present else 'put'} {path}"]


def _verify(package: Package, folder: str, names: list[str], expected: str) -> None:
    wrong = [
        os.path.join(package.folder, path)
        for path in damaged(os.path.join(folder, package.folder), package.files)
    ]
    wrong += damaged(folder, dict.fromkeys(names, expected))
    if wrong:
        raise Failure(
            f'in "{folder}" is not what was just written: {", ".join(wrong)}; '
            "look at the disk, or at who changes it"
        )


def _drop_superseded(records: Records, folder: str, now: float) -> list[str]:
    done = []
    for old, since in list(records.folders.items()):
        if since is None or now - since < GRACE_S:
            continue
        path = os.path.join(folder, old)
        # A folder of which a file is in use cannot be renamed on Windows: it waits for a later install.
        with contextlib.suppress(OSError):
            if os.path.isdir(path):
                os.rename(path, path + NEW)
                shutil.rmtree(path + NEW)
                done.append(f"removed {path}")
            del records.folders[old]
    records.save()
    return done


def remove(folder: str, *, dry_run: bool = False) -> Removal:
    """Take out what was installed, and put the peers' exes back; only files that are as they were put there.

    Raises:
        Failure: nothing is installed there, or the folder cannot be written.
    """
    records = _installed(folder)
    result = Removal([], [])
    try:
        with locked(folder):
            _remove_exes(records, folder, result, dry_run)
            _remove_folders(records, folder, result, dry_run)
            if not dry_run:
                result.kept.extend(
                    f"{path}: in use; uninstall again later" for path in drop_left_over(folder)
                )
                records.save()
                if not result.kept:
                    os.unlink(records.path)
    except OSError as fault:
        raise Failure(f'"{fault.filename or folder}": {fault.strerror or fault}; uninstall again') from fault
    if not (dry_run or result.kept):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(folder, LOCK))
    return result


def vanishing(folder: str) -> list[str]:
    """The names of programs that `remove` takes out, and of which no peer's exe takes the place.

    Raises:
        Failure: nothing is installed there.
    """
    records = _installed(folder)
    peers = {name for name, kept in records.peers.items() if os.path.isfile(os.path.join(folder, kept))}
    return [name for name in records.exes if name not in peers]


def _installed(folder: str) -> Records:
    records = read_records(folder)
    if not os.path.isfile(records.path):
        raise Failure(f'nothing is installed in "{folder}"')
    return records


def _remove_exes(records: Records, folder: str, result: Removal, dry_run: bool) -> None:
    for name, ours in list(records.exes.items()):
        path = os.path.join(folder, name)
        present = _present(path)
        peer = os.path.join(folder, records.peers.get(name, ""))
        has_peer = name in records.peers and os.path.isfile(peer)
        if present is not None and present not in ours:
            note = f"; the exe that was there before is {peer}" if has_peer else ""
            # Killed before the first switch, an install leaves the peer's own exe in place.
            if not (has_peer and present == digest(peer)):
                result.kept.append(f"{path}: it is not what was installed{note}")
                continue
        if dry_run:
            result.done.append(f"would put back {path}" if has_peer else f"would remove {path}")
            continue
        if present in ours:
            _take_away(path, peer if has_peer else None)
        elif has_peer:
            os.replace(peer, path)
        if present is not None or has_peer:
            result.done.append(f"put back {path}" if has_peer else f"removed {path}")
        del records.exes[name]
        records.peers.pop(name, None)


def _take_away(path: str, peer: str | None) -> None:
    """Delete it, or put the peer's exe into its place; where it runs, it is moved aside first."""
    try:
        os.replace(peer, path) if peer else os.unlink(path)
    except PermissionError:
        if os.name != "nt":
            raise
        move_aside(path)
        if peer:
            os.rename(peer, path)


def _remove_folders(records: Records, folder: str, result: Removal, dry_run: bool) -> None:
    for name in list(records.folders):
        path = os.path.join(folder, name)
        if not os.path.isdir(path):
            del records.folders[name]
            continue
        if dry_run:
            result.done.append(f"would remove {path}")
            continue
        before = len(result.kept)
        _remove_contents(path, result)
        if len(result.kept) == before:
            result.done.append(f"removed {path}")
            del records.folders[name]


def _remove_contents(path: str, result: Removal) -> None:
    """Delete the files that the folder's own layout names, as long as they are what it says."""
    try:
        files = read_package(path, "").files
    except Failure:
        result.kept.append(f"{path}: its {LAYOUT} is damaged; look at it and delete it")
        return
    wrong = set(damaged(path, files))
    # The layout goes last: it is what a second uninstall reads.
    for file in sorted(files, key=lambda one: (one == LAYOUT, one)):
        full = os.path.join(path, *file.split("/"))
        if file in wrong:
            if os.path.exists(full):
                result.kept.append(f"{full}: it is not what was installed")
            continue
        if file == LAYOUT and any(one.startswith(path) for one in result.kept):
            continue
        try:
            os.unlink(full)
        except OSError as fault:
            result.kept.append(f"{full}: {fault.strerror or fault}; uninstall again later")
    for parent, _, _ in os.walk(path, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(parent)
    if os.path.isdir(path) and not any(one.startswith(path) for one in result.kept):
        result.kept.append(f"{path}: it holds files that were not installed")


def _is_foreign(records: Records, folder: str, name: str) -> bool:
    """Whether the name is another program's. A copy of our own single file is nothing to keep."""
    path = os.path.join(folder, name)
    present = _present(path)
    return present is not None and present not in records.exes.get(name, []) and not is_single_file(path)


def _present(path: str) -> str | None:
    """The digest of what has the name; None where nothing has."""
    return digest(path) if os.path.lexists(path) else None
