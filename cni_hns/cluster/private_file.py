"""A small file of the agent's own in the data folder: always whole, and nobody else's to write."""

from __future__ import annotations

import contextlib
import os

from cni_hns.binding.access import FILE_MODE, make_private_folder

__all__ = ["write_whole"]


def write_whole(path: str, text: str) -> None:
    """Have the file hold this text, on the disk, in one step. Raises: OSError: nothing has changed."""
    make_private_folder(os.path.dirname(path))
    draft = f"{path}.new"  # one that a killed agent left is written over
    try:
        with open(draft, "w", encoding="utf-8", newline="\n", opener=_private) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)
