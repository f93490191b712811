"""The typed documents of HCS, against the names, types and words of Microsoft's published schema.

`published_schema.json` has facts alone: each definition with the types of its members, or its words. They are
those of the schema files for Windows 11 in MicrosoftDocs/Virtualization-Documentation, for the documents that
containers need. "[x]" is a list, "{x}" a map.
"""

from __future__ import annotations

import json
import types
import typing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cni_hns import schema
from cni_hns.hcs.documents import every as documents
from cni_hns.hcs.documents.words import HcsWord
from cni_hns.schema import Document
from tests.unit.hcn.documents_of import documents_of

PUBLISHED: dict[str, Any] = json.loads(
    Path(__file__).with_name("published_schema.json").read_text(encoding="utf-8")
)
DOCUMENTS = {name: members for name, members in PUBLISHED.items() if isinstance(members, dict)}
WORDS = {name: words for name, words in PUBLISHED.items() if isinstance(words, list)}

# The names of ours that differ: `Schema` is HCN's too, and Python's names have no underscore inside.
OURS = {"Version": "Schema"}

# What the published schema does not say, or says otherwise than the services do; each with its reason.
DEVIATIONS = {
    ("ComputeSystem", "VirtualMachine"): "made by other programs: passed on as it is",
    ("Container", "AdditionalDeviceNamespace"): "a tree that no runtime writes: passed on as it is",
    ("Container", "IsolationType"): "hcsshim: a HostProcess container in a virtual machine",
    ("Storage", "PrivilegedContainerRootPath"): "hcsshim: a HostProcess container in a virtual machine",
}

_SCALARS = {
    "boolean": schema.Boolean,
    "string": str,
    "guid": schema.Guid,
    "date-time": schema.Timestamp,
    "uint8": schema.Uint8,
    "uint16": schema.Uint16,
    "uint32": schema.Uint32,
    "uint64": schema.Uint64,
    "int32": schema.Int32,
    "int64": schema.Int64,
    # Any document, or a bare value: the memory's size is one.
    "object": Any,
    # Bytes are texts in base64.
    "byte": str,
    "binary": str,
}


def ours(name: str) -> Any:
    return getattr(documents, OURS.get(name, name.replace("_", "")))


def expected(kind: str) -> Any:
    """The annotation that a published type asks for."""
    if kind.startswith("["):
        return types.GenericAlias(tuple, (expected(kind[1:-1]), ...))
    if kind.startswith("{"):
        return types.GenericAlias(dict, (str, expected(kind[1:-1])))
    if kind in _SCALARS:
        return _SCALARS[kind]
    if kind in WORDS:
        return getattr(documents, f"{kind.replace('_', '')}Word")
    return ours(kind)


def declared(model: type[Document]) -> dict[str, Any]:
    """Each member with its annotation, without "or absent"."""
    hints = typing.get_type_hints(model, include_extras=True)
    return {field.alias or name: _present(hints[name]) for name, field in model.model_fields.items()}


def _present(annotation: Any) -> Any:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        present = [one for one in typing.get_args(annotation) if one is not type(None)]
        return present[0] if len(present) == 1 else annotation
    return annotation


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_document_has_the_published_members_and_their_types(name: str) -> None:
    found = declared(ours(name))
    published = {
        member: expected(kind) for member, kind in DOCUMENTS[name].items() if (name, member) not in DEVIATIONS
    }
    own = {member: kind for member, kind in found.items() if (name, member) not in DEVIATIONS}
    assert own == published
    assert set(DOCUMENTS[name]) <= set(found)


@pytest.mark.parametrize("name", WORDS)
def test_each_list_has_the_published_words(name: str) -> None:
    assert [each.value for each in ours(name)] == WORDS[name]


def test_a_deviation_that_has_become_none_is_no_longer_listed() -> None:
    for name, member in DEVIATIONS:
        kind = DOCUMENTS[name].get(member)
        assert kind is None or not hasattr(documents, kind), (name, member)


def test_nothing_is_listed_that_no_page_has() -> None:
    models = {one for one in vars(documents).values() if isinstance(one, type)}
    mine = {
        one
        for one in models
        if one.__module__.startswith("cni_hns.hcs")
        and one is not HcsWord
        and issubclass(one, Document | HcsWord)
    }
    assert mine == {ours(name) for name in PUBLISHED} - {documents.Schema}


SLOW = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
ROOTS = [
    documents.ComputeSystem,
    documents.Properties,
    documents.ComputeSystemProperties,
    documents.SystemQuery,
    documents.SystemPropertyQuery,
    documents.ServicePropertyQuery,
    documents.ServiceProperties,
    documents.ModificationRequest,
    documents.ModifySettingRequest,
    documents.CrashReport,
    documents.SystemExitStatus,
    documents.ResultError,
    documents.ProcessParameters,
    documents.ProcessStatus,
    documents.ProcessModifyRequest,
    documents.PauseOptions,
    documents.ShutdownOptions,
    documents.SaveOptions,
]


@pytest.mark.parametrize("model", [pytest.param(model, id=model.__name__) for model in ROOTS])
@SLOW
@given(data=st.data())
def test_dump_and_parse_are_inverse_and_unknown_members_are_kept(
    model: type[Document], data: st.DataObject
) -> None:
    document = data.draw(documents_of(model))
    parsed = model.of(document)
    assert parsed.to_document() == document
    assert model.of(parsed.to_document()) == parsed


def test_members_and_words_are_read_in_any_case() -> None:
    found = documents.Properties.of({"ID": "box", "systemtype": "CONTAINER", "STATE": "running"})
    assert (found.id, found.system_type, found.state) == ("box", "Container", documents.State.RUNNING)


def test_a_word_of_a_newer_windows_is_kept() -> None:
    assert documents.Properties.of({"State": "Dreaming"}).to_document() == {"State": "Dreaming"}


@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        (documents.Container, {"Memory": {"SizeInMB": "512"}}),
        (documents.Container, {"Processor": {"Count": -1}}),
        (documents.Properties, {"State": 2}),
        (documents.Properties, {"RuntimeId": "box"}),
        (documents.Statistics, {"Timestamp": "noon"}),
        (documents.ResultError, {"Error": 0x80370110}),
        (documents.ProcessParameters, {"ConsoleSize": [80, 70_000]}),
        (documents.ComputeSystem, {"ShouldTerminateOnLastHandleClosed": "true"}),
    ],
)
def test_a_value_of_another_type_is_told_by_its_path(model: type[Document], wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        model.of(wrong)


def test_timestamps_of_windows_are_read() -> None:
    text = "2026-11-28T20:53:37.1234567Z"
    assert documents.Statistics.of({"Timestamp": text}).timestamp == text
