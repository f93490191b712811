"""What every new object gets: its ID, and a note of its making."""

from __future__ import annotations

import time

from cni_hns.simulator.core.documents import ZERO_GUID, Document, guid_of, new_guid
from cni_hns.simulator.core.errors import ALREADY_EXISTS, Refused
from cni_hns.simulator.core.store import State

__all__ = ["birth", "chosen_id"]

# 1970 in the units of 100 ns since 1601.
_UNIX_EPOCH = 116_444_736_000_000_000


def chosen_id(state: State, table: str, argument: str, document: Document) -> str:
    """The document's ID, the argument's, or a new one; hcsshim passes zero and uses the document.

    Raises:
        Refused: an object of that kind has it, with the code of the option `existing_id_hresult`.
    """
    named = guid_of(document["ID"]) if document.get("ID") else ZERO_GUID
    order = (argument, named) if state.options.id_argument_wins else (named, argument)
    guid = next((each for each in order if each != ZERO_GUID), "") or new_guid()
    if state.row(f"SELECT 1 FROM {table} WHERE id = ?", guid):  # noqa: S608 - the table is one of ours
        raise Refused(state.options.existing_id_hresult or ALREADY_EXISTS, f"{guid} exists")
    return guid


def birth(state: State) -> Document:
    """What HNS notes of a new object: the activity, the moment (a FILETIME), the HNS version."""
    return {
        "ActivityId": new_guid(),
        "StartTime": int(time.time() * 10_000_000) + _UNIX_EPOCH,
        "Version": state.version[0] << 32 | state.version[1],
    }
