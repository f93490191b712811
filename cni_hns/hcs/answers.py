"""The answers of HCS as typed documents."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import ValidationError

from cni_hns.binding.errors import MalformedAnswer
from cni_hns.schema import Document

__all__ = ["document_in", "documents_in"]

Model = TypeVar("Model", bound=Document)


def document_in(text: str, model: type[Model], operation: str, target: str = "") -> Model:
    """The document in this text; an empty text is one without members. Raises: MalformedAnswer."""
    return _read(_json(text or "{}", text, operation, target), model, operation, target)


def documents_in(text: str, model: type[Model], operation: str, target: str = "") -> list[Model]:
    """The documents of the array in this text; an empty text has none. Raises: MalformedAnswer."""
    found = _json(text or "[]", text, operation, target)
    if not isinstance(found, list):
        raise MalformedAnswer(operation, target, 0, text)
    return [_read(one, model, operation, target) for one in found]


def _json(text: str, quoted: str, operation: str, target: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise MalformedAnswer(operation, target, 0, quoted) from fault


def _read(value: Any, model: type[Model], operation: str, target: str) -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as fault:
        first = fault.errors()[0]
        place = ".".join(str(one) for one in first["loc"]) or model.__name__
        raise MalformedAnswer(operation, target, 0, f"{place}: {first['msg']}") from fault
