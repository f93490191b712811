"""Holding a plain document against the typed models of HCN."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from cni_hns.schema import Document


def hold(model: type[Document], document: dict[str, Any]) -> None:
    """The document has members of the schema only, of the schema's types, and all that are needed."""
    read = model.of(document)
    assert read.to_document() == document
    _hold_parts(read, model.__name__)


def _hold_parts(part: Any, path: str) -> None:
    if isinstance(part, Document):
        assert not part.model_extra, f"{path}: {list(part.model_extra or {})} unknown to the schema"
        sent = part.to_document()
        assert not [name for name in part.needed if name not in sent], f"{path}: needed members missing"
    if isinstance(part, BaseModel):
        for name in part.model_fields_set:
            _hold_parts(getattr(part, name), f"{path}.{name}")
    elif isinstance(part, list | tuple):
        for index, each in enumerate(part):
            _hold_parts(each, f"{path}[{index}]")
