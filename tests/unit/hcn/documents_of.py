"""Hypothesis: documents that a model of the schema accepts, written as the schema writes them."""

from __future__ import annotations

import types
import typing
from enum import IntFlag
from typing import Any

from annotated_types import Ge, Le
from hypothesis import strategies as st
from pydantic import AfterValidator
from pydantic.fields import FieldInfo

from cni_hns import schema as base
from cni_hns.hcn.models import every as models

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
# No schema has a member that begins so, in any case.
_UNKNOWN = st.dictionaries(st.from_regex(r"Zz[A-Za-z]{1,6}", fullmatch=True), _JSON, max_size=2)

_GUIDS = st.uuids().map(str)


def _check_of(alias: Any) -> AfterValidator:
    """What tells a GUID's text from any other: the check of its type."""
    found: AfterValidator = typing.get_args(alias)[1]
    return found


_CHECKED = {
    _check_of(base.Guid): st.just("") | _GUIDS | _GUIDS.map(lambda text: "{" + text.upper() + "}"),
    _check_of(base.Address): st.just("") | st.ip_addresses().map(str),
    _check_of(base.Prefix): st.just("") | st.ip_addresses().map(lambda one: f"{one}/{one.max_prefixlen - 4}"),
    _check_of(base.Timestamp): st.just("")
    | st.datetimes().map(lambda one: one.isoformat(timespec="microseconds") + "7Z"),
    _check_of(base.Mac): st.just("") | st.sampled_from(["00-15-5D-2A-C4-11", "0e:2a:0a:00:00:05"]),
}


def documents_of(model: type[base.Document]) -> st.SearchStrategy[dict[str, Any]]:
    """Documents with any of the model's members, and some that no schema lists."""
    if issubclass(model, models.Policy):
        return _typed(model, "Type", list(model.table.items()))
    if issubclass(model, models.ModifyRequest):
        rest = {"RequestType": st.sampled_from([each.value for each in models.RequestType])}
        return _typed(model, "ResourceType", list(model.table), **rest)
    if model is models.HostComputeQuery:
        members = {"Filter": st.sampled_from(["", "{}", '{"Name": "pods"}']), "Flags": st.integers(0, 1)}
        return _together(st.fixed_dictionaries({}, optional=members), _UNKNOWN)
    known = {field.alias or name: _of_field(field) for name, field in model.model_fields.items()}
    return _together(st.fixed_dictionaries({}, optional=known), _UNKNOWN)


def _typed(
    model: type[base.Document],
    kind: str,
    table: list[tuple[str, type[base.Document]]],
    **rest: st.SearchStrategy[Any],
) -> st.SearchStrategy[dict[str, Any]]:
    """Documents whose `Settings` follow from the member that says their kind."""
    typed = [
        st.fixed_dictionaries({kind: st.just(name), **rest}, optional={"Settings": documents_of(settings)})
        for name, settings in table
    ]
    untyped = st.fixed_dictionaries({kind: st.just("ZzUnheardOf")}, optional={"Settings": _UNKNOWN})
    return _together(st.one_of(*typed, untyped), _UNKNOWN)


def _together(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(
        lambda found: {name: value for part in found for name, value in part.items()}
    )


def _of_field(field: FieldInfo) -> st.SearchStrategy[Any]:
    return _of(field.annotation, field.metadata)


def _of(kind: Any, metadata: typing.Sequence[Any] = ()) -> st.SearchStrategy[Any]:
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        inner, *more = typing.get_args(kind)
        return _of(inner, _flat(more))
    if origin is tuple:
        return st.lists(_of(typing.get_args(kind)[0]), max_size=2)
    if origin is dict:
        return st.dictionaries(st.text(max_size=4), _of(typing.get_args(kind)[1]), max_size=2)
    if origin in (typing.Union, types.UnionType):
        return _of_union(typing.get_args(kind))
    if isinstance(kind, type) and issubclass(kind, base.Document):
        return documents_of(kind)
    return _of_value(kind, metadata)


def _of_value(kind: Any, metadata: typing.Sequence[Any]) -> st.SearchStrategy[Any]:
    plain = {Any: _JSON, type(None): st.none(), bool: st.booleans(), int: _integers(_flat(metadata))}
    if kind in plain:
        return plain[kind]
    if issubclass(kind, IntFlag):
        return st.integers(0, 2**15)
    assert kind is str, kind
    checked = [_CHECKED[one] for one in metadata if isinstance(one, AfterValidator)]
    return checked[0] if checked else st.text(max_size=8)


def _of_union(members: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    words = [one for one in members if isinstance(one, type) and issubclass(one, base.Word)]
    if words:
        # A number that has a word is read as the word; one that has none stays.
        rest = ["ZzUnheardOf", 4711] if base.Number in members else ["ZzUnheardOf"]
        return st.sampled_from([each.value for each in words[0]] + rest)
    return st.one_of(*[_of(one) for one in members])


def _flat(metadata: typing.Iterable[Any]) -> list[Any]:
    return [one for each in metadata for one in (each.metadata if isinstance(each, FieldInfo) else [each])]


def _integers(metadata: list[Any]) -> st.SearchStrategy[int]:
    low = next((one.ge for one in metadata if isinstance(one, Ge)), -(2**31))
    high = next((one.le for one in metadata if isinstance(one, Le)), 2**31)
    return st.integers(typing.cast("int", low), typing.cast("int", high))
