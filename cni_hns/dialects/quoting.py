"""What a message may show of a policy's settings: numbers, addresses and HNS's own words.

Any other text is the author's choice and may be a secret: of it only the length is shown, in what a verb
prints and logs. To its author, whose file an operator's command reads, all of it is.
"""

from __future__ import annotations

import json
import re

__all__ = ["Masked", "masked", "quoted"]

_OWN_WORDS = frozenset(["Allow", "Block", "Pass", "In", "Out", "Host", "Switch"])
_NUMBERS = r"\d{1,5}(-\d{1,5})?"
_ADDRESS = r"\d{1,3}(\.\d{1,3}){3}(/\d{1,3})?|[0-9a-fA-F]{0,4}(:[0-9a-fA-F.]{0,15}){2,8}(/\d{1,3})?"
_MAC = r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}"
_GUID = r"\{?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?"
_OPEN = rf"{_NUMBERS}|{_ADDRESS}|{_MAC}|{_GUID}"


class Masked(str):
    """A message in which values are masked; `plainly` is the same one for who wrote these values.

    Whatever is made of it, but by `findings.Finding.to_its_author`, is masked too.
    """

    plainly: str


def masked(message: str, plainly: str) -> Masked:
    """The message as it may be printed and logged, with that for the author of the values."""
    made = Masked(message)
    made.plainly = plainly
    return made


def quoted(value: object) -> str:
    """The value of a setting, or an object of settings, as JSON; closed texts as their lengths."""
    return json.dumps(_masked(value))


def _masked(value: object) -> object:
    if isinstance(value, dict):
        return {key: _masked(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(each) for each in value]
    if isinstance(value, str) and not _may_be_shown(value):
        return f"({len(value)} characters)"
    return value


def _may_be_shown(text: str) -> bool:
    pieces = [piece.strip() for piece in text.split(",")]
    return all(not piece or piece in _OWN_WORDS or re.fullmatch(_OPEN, piece) for piece in pieces)
