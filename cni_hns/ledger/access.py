"""The folder of the ledger: readable and writable by administrators and SYSTEM only.

Whoever can write the ledger decides which address a pod gets and which endpoint is deleted.
"""

from __future__ import annotations

import os

__all__ = ["FILE_MODE", "make_private_folder"]

FILE_MODE = 0o600
_FOLDER_MODE = 0o700


def make_private_folder(folder: str) -> None:
    """Make `folder` for its owner alone; one that is there keeps the access its administrator gave it.

    On Windows, Python gives a directory made with mode 0700 a protected access list of SYSTEM, Administrators
    and the owner, inherited by the files in it (https://docs.python.org/3/library/os.html#os.mkdir, 3.11.10).

    Raises:
        OSError: the folder cannot be made.
    """
    parent = os.path.dirname(folder)
    if parent and not os.path.isdir(parent):
        os.makedirs(parent, exist_ok=True)
    try:
        os.mkdir(folder, _FOLDER_MODE)
    except FileExistsError:
        if not os.path.isdir(folder):
            raise
