"""The ID that a new object gets."""

from __future__ import annotations

from cni_hns.simulator.core.documents import ZERO_GUID, Document, guid_of, new_guid
from cni_hns.simulator.core.errors import refuse_unless_zero
from cni_hns.simulator.core.store import State

__all__ = ["chosen_id"]


def chosen_id(state: State, table: str, argument: str, document: Document) -> str:
    """The document's ID, the argument's, or a new one; hcsshim passes zero and uses the document.

    Raises:
        Refused: an object of that kind has it, with the code of the option `existing_id_hresult`.
    """
    named = guid_of(document["ID"]) if document.get("ID") else ZERO_GUID
    order = (argument, named) if state.options.id_argument_wins else (named, argument)
    guid = next((each for each in order if each != ZERO_GUID), "") or new_guid()
    if state.row(f"SELECT 1 FROM {table} WHERE id = ?", guid):  # noqa: S608 - the table is one of ours
        refuse_unless_zero(state.options.existing_id_hresult, f"{guid} exists")
        state.run(f"DELETE FROM {table} WHERE id = ?", guid)  # noqa: S608
    return guid
