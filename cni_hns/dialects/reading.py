"""Reading a document into a pydantic model so that the sound part of it stands beside a list of all faults.

One pass of pydantic finds every fault of a single value. The faulty values are then taken out and the rest
is read again, so that the rules between keys still see all that is sound.
"""

from __future__ import annotations

import copy
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from . import fields
from .findings import Finding
from .spelling import near

__all__ = ["Reading", "faults_of", "path_text", "read", "unknown_key", "without_nulls"]

M = TypeVar("M", bound=BaseModel)
Location = tuple[str | int, ...]

_EXPECTED = {
    "string_type": "a string",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}


class Reading(NamedTuple, Generic[M]):
    """`model` is None where nothing sound is left. `removed` holds the paths that had to be taken out."""

    model: M | None
    findings: list[Finding]
    removed: list[str]

    def whole(self, path: str) -> bool:
        """Whether nothing was taken out at this path or below: what is absent there was never given."""
        return not any(each == path or each.startswith((f"{path}.", f"{path}[")) for each in self.removed)


def path_text(location: Iterable[str | int], prefix: str = "") -> str:
    """`ipam.ranges[0][0].gateway`."""
    text = prefix
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def without_nulls(value: Any) -> Any:
    """The document without keys that are null: null means absent, in JSON as Go reads it."""
    if isinstance(value, Mapping):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value


def read(model: type[M], document: Mapping[str, Any], prefix: str = "") -> Reading[M]:
    """The model of what is sound in the document, and every fault; paths begin with `prefix`."""
    rest: Any = without_nulls(document)
    try:
        return Reading(model.model_validate(rest), [], [])
    except ValidationError as faults:
        found = faults.errors(include_url=False)
    findings = [Finding(path_text(fault["loc"], prefix), _message(fault, model)) for fault in found]
    removed = [path_text(fault["loc"], prefix) for fault in found]
    rest = copy.deepcopy(rest)
    _take_out(rest, found, keep_items=True)
    return Reading(_sound_part(model, rest), findings, removed)


def faults_of(model: type[M], document: Any, prefix: str, *, strict: bool) -> tuple[M | None, list[Finding]]:
    """The model, or None and every fault, for documents of which no part is of use without the rest."""
    try:
        return model.model_validate(document, strict=strict), []
    except ValidationError as faults:
        found = faults.errors(include_url=False)
    return None, [Finding(path_text(fault["loc"], prefix), _message(fault, model)) for fault in found]


def _sound_part(model: type[M], rest: Any) -> M | None:
    """The model without what follows from the removals alone, which is not news."""
    while True:
        try:
            return model.model_validate(rest)
        except ValidationError as faults:
            if not _take_out(rest, faults.errors(include_url=False), keep_items=False):
                return None


def _take_out(rest: Any, faults: list[Any], *, keep_items: bool) -> bool:
    """Remove each faulty value; False where the document as a whole is what would have to go.

    With `keep_items` a faulty list item becomes an empty object: the positions that later messages name
    stay true.
    """
    places = {fault["loc"][:-1] if fault["type"] == "missing" else fault["loc"] for fault in faults}
    if keep_items:
        places = {fault["loc"] for fault in faults if fault["type"] != "missing"}
    if () in places:
        return False
    # Deepest and last first, so that the places still to come stay where they are.
    for place in sorted(
        places, key=lambda each: [(isinstance(step, int), step) for step in each], reverse=True
    ):
        holder = rest
        for step in place[:-1]:
            holder = holder[step]
        if keep_items and isinstance(holder, list):
            holder[place[-1]] = {}
        else:
            del holder[place[-1]]
    return True


def _message(fault: Any, model: type[BaseModel]) -> str:
    kind, value = fault["type"], fault.get("input")
    if kind == "missing":
        return "missing"
    if kind == "value_error":
        return str(fault["ctx"]["error"])
    if kind == "extra_forbidden":
        return unknown_key(str(fault["loc"][-1]), _keys_at(model, fault["loc"][:-1]))
    if kind == "literal_error":
        return f"{fields.shown(value)} is not one of {fault['ctx']['expected'].replace(chr(39), '')}"
    expected = _EXPECTED.get(kind)
    return f"{expected} is expected, not {fields.kind_of(value)}" if expected else str(fault["msg"])


def unknown_key(key: str, known: list[str]) -> str:
    """The message on a key that an object does not have."""
    guess = near(key, known)
    return f"unknown key; did you mean {guess}?" if guess else f"unknown key; known are {', '.join(known)}"


def _keys_at(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that the object at this place may have."""
    here: Any = model
    for step in location:
        if isinstance(step, str):
            here = _bare(here.model_fields[step].annotation)
        else:
            here = _bare(typing.get_args(here)[0])
    return list(here.model_fields)


def _bare(annotation: Any) -> Any:
    """The type inside Annotated and Optional."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _bare(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return next(_bare(each) for each in typing.get_args(annotation) if each is not type(None))
    return annotation
