"""The declarations of computecore.dll are those of the public-domain header that mingw-w64 ships."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cni_hns.binding import computecore
from tests.lane.lane import there

HEADER = Path("/usr/share/mingw-w64/include/computecore.h")

# Ours that the header has not: newer than it, and seen in Windows' own metadata.
NEWER = {"HcsAddResourceToOperation", "HcsCreateOperationWithNotifications", "HcsGetOperationProperties"}

# What either calls by another name is one size and one meaning to C.
_SAME = {
    "HCS_OPERATION": "void *",
    "HCS_SYSTEM": "void *",
    "HCS_PROCESS": "void *",
    "HANDLE": "void *",
    "UINT64": "ULONGLONG",
    "HCS_OPERATION_TYPE": "int32_t",
    "HCS_EVENT_OPTIONS": "int32_t",
    "HCS_CREATE_OPTIONS": "HCS_CREATE_OPTIONS_1",
    "SECURITY_DESCRIPTOR": "void",
}
_FUNCTION = re.compile(r"^([\w* ]+?)\s*(?:WINAPI )?(Hcs\w+) ?\(([^)]*)\);", re.MULTILINE)

Signature = tuple[str, ...]


def signatures(text: str) -> dict[str, Signature]:
    """Return type and parameters of each function."""
    found = _FUNCTION.findall(re.sub(r"\n[ \t]+", " ", text))
    return {
        name: (plain(result), *(plain(re.sub(r"\w+$", "", one.strip())) for one in parameters.split(",")))
        for result, name, parameters in found
    }


def plain(kind: str) -> str:
    """A type in the words of `_SAME`, its stars and blanks always alike."""
    words = [_SAME.get(word, word) for word in kind.replace("*", " * ").split()]
    return " ".join(" ".join(words).replace("*", " * ").split())


@pytest.fixture(scope="module")
def published() -> dict[str, Signature]:
    return signatures(there(HEADER).read_text(encoding="utf-8"))


def test_every_function_of_the_header_is_declared_as_it_is_there(published: dict[str, Signature]) -> None:
    ours = signatures(computecore.DECLARATIONS)
    assert len(published) > 50
    assert {name: ours.get(name) for name in published} == published


def test_what_the_header_has_not_is_known_by_name(published: dict[str, Signature]) -> None:
    assert set(signatures(computecore.DECLARATIONS)) - set(published) == NEWER
