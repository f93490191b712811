"""What is installed: the exe, and the files of its contents folder with their digests.

The build (build.spec) writes `layout.json` into the contents folder; the single file unpacks the same files
and carries the exe beside them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from typing import NamedTuple

from cni_hns.cli.failure import Failure
from cni_hns.single_file import carries_itself

__all__ = ["LAYOUT", "Package", "digest", "this_program"]

LAYOUT = "layout.json"
_CARRIED = "carried"


class Package(NamedTuple):
    """One build. `files`: path below `source`, with slashes -> SHA-256; `folder`: its name once installed."""

    version: str
    folder: str
    source: str
    files: dict[str, str]
    exe: str


def this_program() -> Package:
    """The build that runs.

    Raises:
        Failure: it runs from Python, or is no build of build.spec.
    """
    if not getattr(sys, "frozen", False):
        raise Failure(
            "only the built program can install itself: make it by `pyinstaller build.spec`, and run that"
        )
    source = str(getattr(sys, "_MEIPASS", ""))
    exe = _carried_exe(source) if carries_itself(source) else sys.executable
    return read_package(source, exe)


def read_package(source: str, exe: str) -> Package:
    """The build whose contents lie in `source`.

    Raises:
        Failure: there is no readable layout.
    """
    path = os.path.join(source, LAYOUT)
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        # The list itself is a file of the folder, too.
        files = {**document["files"], LAYOUT: digest(path)}
        return Package(str(document["version"]), str(document["folder"]), source, files, exe)
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise Failure(f'"{path}", which says what to install, cannot be read: {fault}') from fault


def digest(path: str) -> str:
    """SHA-256 of the file, hexadecimal. Raises: OSError."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _carried_exe(source: str) -> str:
    folder = os.path.join(source, _CARRIED)
    return os.path.join(folder, os.listdir(folder)[0])
