"""Which host routes are ours: a note on disk, as Windows keeps nothing that tells our routes from others'.

Rule 1: a route is written down before it is made, and crossed out once it is gone. So one that a killed agent
left is known again; one that was noted and never made is not in the table, and the next run crosses it out.
Rule 2: the note is of one boot. Our routes do not outlive it, and a route that is there after the next one is
somebody else's, whatever it looks like.
Rule 3: a note that cannot be read says nothing: then no route is ours, and none is removed. One that others
can write is refused: what stands there may be theirs.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from cni_hns.binding.access import exposed_file, exposed_folder
from cni_hns.cluster.private_file import write_whole

if TYPE_CHECKING:
    from cni_hns.binding.access import Exposure

__all__ = ["Key", "Note", "NoteExposed"]

Key = tuple[str, str]
"""Prefix and next hop."""

_NAME = "routes.json"


class NoteExposed(OSError):
    """Others can write the note, or put another one in its place."""

    def __init__(self, path: str, exposure: Exposure) -> None:
        super().__init__(
            f"the note of our routes {path} is not believed: {exposure.what}. Next: {exposure.next_step}"
        )


class Note:
    """The note in this folder, which is made with the first entry."""

    def __init__(self, folder: str, boot_id: str) -> None:
        self.path = os.path.join(folder, _NAME)
        self._boot_id = boot_id

    def read(self) -> set[Key]:
        """What stands there of this boot. Raises: NoteExposed."""
        exposure = exposed_folder(os.path.dirname(self.path)) or exposed_file(self.path)
        if exposure is not None:
            raise NoteExposed(self.path, exposure)
        try:
            with open(self.path, encoding="utf-8") as file:
                document = json.load(file)
            if document["boot"] != self._boot_id:
                return set()
            return {(str(prefix), str(next_hop)) for prefix, next_hop in document["routes"]}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return set()

    def write(self, keys: set[Key]) -> None:
        """Have it hold these, whole and on the disk. Raises: OSError: nothing has changed."""
        write_whole(self.path, json.dumps({"boot": self._boot_id, "routes": sorted(keys)}))
