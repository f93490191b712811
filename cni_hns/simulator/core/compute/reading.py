"""Reading the JSON that callers send to HCS: as HNS reads its own, with HCS's code for what is wrong.

An empty text is the same as none: Microsoft's clients send either for what is not given.
"""

from __future__ import annotations

from typing import Any

from cni_hns.simulator.core import documents
from cni_hns.simulator.core.documents import Document
from cni_hns.simulator.core.errors import HCS_INVALID_JSON, Refused

__all__ = ["chosen_in", "document_in", "optional_in", "part", "text_of", "texts_of", "word_of"]


def document_in(text: str | None, *names: str) -> Document:
    """The members of these names in the object that the text holds, under their usual spelling.

    Raises:
        Refused: 0x8037010D, not JSON or not an object.
    """
    try:
        return documents.folded(documents.parse(text), names)
    except Refused as refusal:
        raise Refused(HCS_INVALID_JSON, refusal.reason) from refusal


def optional_in(text: str | None, *names: str) -> Document:
    """The same; nothing of a text that is not given."""
    return document_in(text, *names) if text else {}


def chosen_in(text: str | None, **words: tuple[str, ...]) -> dict[str, str]:
    """The word that the text chooses for each of these members; the first one where it says nothing.

    Raises:
        Refused: 0x8037010D, not JSON, or another word.
    """
    given = optional_in(text, *words)
    return {name: word_of(given.get(name, known[0]), name, known) for name, known in words.items()}


def part(document: Document, name: str, *names: str) -> Document:
    """The members of these names in a member that is an object; nothing where it is missing."""
    value = document.get(name, {})
    if not isinstance(value, dict):
        raise _wrong(name, value)
    return documents.folded(value, names)


def text_of(document: Document, name: str) -> str:
    """A member that is a string; empty where it is missing."""
    value = document.get(name, "")
    if not isinstance(value, str):
        raise _wrong(name, value)
    return value


def texts_of(document: Document, name: str) -> list[str]:
    """A member that is an array of strings; empty where it is missing."""
    value = document.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _wrong(name, value)
    return value


def word_of(value: Any, name: str, words: tuple[str, ...]) -> str:
    """The usual spelling of one of these words, given in any case."""
    for word in words:
        if isinstance(value, str) and value.lower() == word.lower():
            return word
    raise _wrong(name, value)


def _wrong(name: str, value: Any) -> Refused:
    return Refused(HCS_INVALID_JSON, f"{name} is {value!r}")
