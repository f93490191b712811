"""What all documents of the Host Compute Network and of the Host Compute System have in common.

Rule 1: members are spelt as the schema spells them (PascalCase) and read in any case, for HNS writes several.
Rule 2: what the schema does not list is kept, for newer Windows adds members; what is missing is the default,
and is not sent: a document is written with the members it was given, and no others.
Rule 3: the word lists of the schema are read from names in any case and, where Microsoft publishes the
numbers, from numbers. A word or number that no list has is kept as it is.
https://learn.microsoft.com/virtualization/api/hcn/HNS_Schema
https://learn.microsoft.com/virtualization/api/hcs/SchemaReference
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, Self, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_pascal

from cni_hns.identity import guid

__all__ = [
    "Address",
    "Boolean",
    "Document",
    "Guid",
    "Int32",
    "Int64",
    "Mac",
    "Number",
    "Prefix",
    "Schema",
    "Timestamp",
    "Uint8",
    "Uint16",
    "Uint32",
    "Uint64",
    "Word",
    "word",
]


class Document(BaseModel):
    """One JSON object of the schema."""

    model_config = ConfigDict(
        alias_generator=to_pascal,
        populate_by_name=True,
        extra="allow",
        frozen=True,
        # A configuration needs a few of the many models: each is compiled when it first reads something.
        defer_build=True,
        # The schema has members that are called like methods of a model.
        protected_namespaces=(),
    )

    needed: ClassVar[tuple[str, ...]] = ()
    """The members, as the schema spells them, without which HNS creates no such object."""

    @model_validator(mode="before")
    @classmethod
    def _in_any_case(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        spelling = _spelling(cls)
        given = set(value)
        # A name that stands there in the schema's own spelling too is not overwritten by its other spelling.
        return {
            name if (own := spelling.get(str(name).lower(), name)) in given else own: item
            for name, item in value.items()
        }

    @classmethod
    def member_names(cls) -> list[str]:
        """The members that the schema lists, in its spelling."""
        return list(_spelling(cls).values())

    @classmethod
    def parts(cls) -> dict[str, type[Document]]:
        """The members that are objects of the schema, or lists of such, by their names in its spelling."""
        return _parts(cls)

    @classmethod
    def words(cls) -> dict[str, type[Word]]:
        """The members that are words of a list, by the names of the attributes."""
        return _words(cls)

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """Read a document. Raises: pydantic.ValidationError with every fault and its path."""
        return cls.model_validate(document)

    def to_document(self) -> dict[str, Any]:
        """Plain JSON values, with the members that were given and no others."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


@cache
def _spelling(model: type[Document]) -> dict[str, str]:
    aliases = [field.alias or name for name, field in model.model_fields.items()]
    return {alias.lower(): alias for alias in aliases}


@cache
def _parts(model: type[Document]) -> dict[str, type[Document]]:
    return {
        field.alias or name: kind
        for name, field in model.model_fields.items()
        for kind in _kinds(field.annotation)
        if issubclass(kind, Document)
    }


@cache
def _words(model: type[Document]) -> dict[str, type[Word]]:
    return {
        name: kind
        for name, field in model.model_fields.items()
        for kind in _kinds(field.annotation)
        if issubclass(kind, Word)
    }


def _kinds(annotation: Any) -> list[type]:
    """The classes in an annotation: those of a union, and of a tuple's items."""
    if get_origin(annotation) is None:
        return [annotation] if isinstance(annotation, type) else []
    return [kind for part in get_args(annotation) for kind in _kinds(part)]


class Word(StrEnum):
    """A list of words of the schema."""

    @classmethod
    def numbered(cls) -> int:
        """How many of the words, from the first, have a published number: their position."""
        return len(cls)


def word(kind: type[Word]) -> BeforeValidator:
    """Reads a word of this list from its name in any case or its number."""
    by_name = {each.value.lower(): each for each in kind}
    by_number = dict(enumerate(list(kind)[: kind.numbered()]))

    def read(value: Any) -> Any:
        if isinstance(value, str):
            return by_name.get(value.lower(), value)
        if isinstance(value, int) and not isinstance(value, bool):
            return by_number.get(value, value)
        raise ValueError(f"one of {', '.join(kind)} is expected")

    return BeforeValidator(read)


def _checked(what: str, right: Callable[[str], object]) -> AfterValidator:
    """The text itself, if it is empty ("not set", which HNS writes too) or right."""

    def check(text: str) -> str:
        try:
            fits = not text or right(text)
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(f"{text!r} is not {what}")
        return text

    return AfterValidator(check)


_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:[-:][0-9A-Fa-f]{2}){5}")

Guid = Annotated[str, _checked("a GUID", guid)]
Address = Annotated[str, _checked("an IP address", ipaddress.ip_address)]
Prefix = Annotated[
    str, _checked("a prefix (address/length)", lambda text: "/" in text and ipaddress.ip_interface(text))
]
Mac = Annotated[str, _checked("a MAC address", _MAC.fullmatch)]
# A text: Windows counts in 100 ns, which no type of Python holds.
Timestamp = Annotated[str, _checked("a date and time", datetime.fromisoformat)]
Number = Annotated[int, Field(strict=True)]
# Strict: HNS does not take "80" for 80.
Uint8 = Annotated[int, Field(strict=True, ge=0, le=0xFF)]
Uint16 = Annotated[int, Field(strict=True, ge=0, le=0xFFFF)]
Uint32 = Annotated[int, Field(strict=True, ge=0, le=0xFFFFFFFF)]
Uint64 = Annotated[int, Field(strict=True, ge=0, le=0xFFFFFFFFFFFFFFFF)]
Int32 = Annotated[int, Field(strict=True, ge=-(1 << 31), le=(1 << 31) - 1)]
Int64 = Annotated[int, Field(strict=True, ge=-(1 << 63), le=(1 << 63) - 1)]
Boolean = Annotated[bool, Field(strict=True)]


class Schema(Document):
    """The version of the schema that a document is written in."""

    major: Uint32 = 0
    minor: Uint32 = 0
