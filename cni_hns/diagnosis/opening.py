"""Reading a bundle that somebody sent.

Rule: nothing in it is believed. Nothing is unpacked: the files that are known are read, each up to a limit,
and what is loaded from them is held against the shapes of the objects.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from typing import Any, NamedTuple

from cni_hns.diagnosis.clean import system_only
from cni_hns.diagnosis.layout import FORMAT, LEDGER, MANIFEST, OBJECTS, V1, VERSIONS
from cni_hns.identity import guid

__all__ = ["BadBundle", "Opened", "read"]

_MOST_ENTRIES = 2_000
_LARGEST_ENTRY_BYTES = 128 << 20
_LARGEST_BYTES = 512 << 20
_VERSION_PARTS = 2
_LARGEST_NUMBER = 1e18
_DRIVE = re.compile(r"^[A-Za-z]:")


class BadBundle(Exception):
    """This is no bundle that can be loaded; `str()` says why."""


class Opened(NamedTuple):
    """The node in a bundle. None: nobody could read that, or there was none.

    `v1` are networks and endpoints in V1's shape; `hns` is (major, minor). `notes` are for people.
    """

    objects: dict[str, list[dict[str, Any]] | None]
    v1: list[dict[str, Any]]
    ledger: dict[str, Any] | None
    hns: tuple[int, int] | None
    windows_build: int | None
    notes: tuple[str, ...]


def read(path: str) -> Opened:
    """The node in this file.

    Raises:
        BadBundle: no bundle, a newer one, a damaged one, or one that is made to do harm.
        OSError: the file cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as fault:
        raise BadBundle(f"it is no sound zip file ({fault})") from fault


def _read(archive: zipfile.ZipFile) -> Opened:
    _refuse_what_does_harm(archive)
    manifest = _object(archive, MANIFEST)
    if manifest.get("program") != "cni-hns" or not isinstance(manifest.get("format"), int):
        raise BadBundle("it is no bundle of cni-hns diagnose")
    if manifest["format"] > FORMAT:
        raise BadBundle(
            f"cni-hns {_word(manifest.get('version'))} made it, in format {manifest['format']}; "
            f"this one knows formats up to {FORMAT}: use the newer program"
        )
    objects = {kind: _objects(archive, name) for kind, name in OBJECTS.items()}
    systems = objects["systems"]
    objects["systems"] = None if systems is None else [system_only(one) for one in systems]
    for kind, found in objects.items():
        _see_that_each_has_an_id(kind, found or [])
    v1 = [one for name in V1.values() for one in _objects(archive, name) or []]
    versions = _object(archive, VERSIONS)
    build = versions.get("windowsBuild")
    return Opened(
        objects,
        [one for one in v1 if _guid_of(one)],
        _ledger(archive),
        _version(versions.get("hns")),
        build if isinstance(build, int) and not isinstance(build, bool) else None,
        tuple(_notes(objects)),
    )


def _refuse_what_does_harm(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > _MOST_ENTRIES or sum(one.file_size for one in entries) > _LARGEST_BYTES:
        raise BadBundle("it is larger than any bundle")
    names = [one.filename for one in entries]
    if len(set(names)) != len(names):
        raise BadBundle("it has two files of one name")
    for name in names:
        if ".." in name.split("/") or name.startswith("/") or "\\" in name or _DRIVE.match(name):
            raise BadBundle("it has a file whose path leads out of it")


def _json(archive: zipfile.ZipFile, name: str) -> Any:
    try:
        with archive.open(name) as file:
            data = file.read(_LARGEST_ENTRY_BYTES + 1)
    except KeyError:
        raise BadBundle(f"{name} is missing in it") from None
    if len(data) > _LARGEST_ENTRY_BYTES:
        raise BadBundle(f"{name} in it is too large")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as fault:
        raise BadBundle(f"{name} in it is no JSON") from fault


def _object(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    found = _json(archive, name)
    if not isinstance(found, dict):
        raise BadBundle(f"{name} in it is no JSON object")
    return found


def _objects(archive: zipfile.ZipFile, name: str) -> list[dict[str, Any]] | None:
    found = _json(archive, name)
    if found is None:
        return None
    if not _is_list_of_objects(found):
        raise BadBundle(f"{name} in it is no list of objects")
    return list(found)


def _see_that_each_has_an_id(kind: str, found: list[dict[str, Any]]) -> None:
    ids = [str(_member(one, "id") or "") if kind == "systems" else _guid_of(one) for one in found]
    if not all(ids) or len(set(ids)) != len(ids):
        raise BadBundle(f"its {kind} have no IDs, or two have the same")


def _ledger(archive: zipfile.ZipFile) -> dict[str, Any] | None:
    found = _json(archive, LEDGER)
    if found is None:
        return None
    if not isinstance(found, dict) or not _is_number(found.get("now")) or not _is_number(found.get("wall")):
        raise BadBundle(f"{LEDGER} in it has no records of a ledger")
    tables = found.get("tables")
    if not isinstance(tables, dict) or not all(map(_is_list_of_objects, tables.values())):
        raise BadBundle(f"{LEDGER} in it has a table without rows")
    return found


def _version(value: Any) -> tuple[int, int] | None:
    if not isinstance(value, list) or len(value) != _VERSION_PARTS or not all(map(_is_number, value)):
        return None
    return int(value[0]), int(value[1])


def _notes(objects: dict[str, list[dict[str, Any]] | None]) -> list[str]:
    return [f"the bundle has no {kind}: they did not answer" for kind, one in objects.items() if one is None]


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST_NUMBER


def _guid_of(document: dict[str, Any]) -> str:
    found = _member(document, "id")
    return (guid(found) or "") if isinstance(found, str) else ""


def _member(document: dict[str, Any], name: str) -> Any:
    return next((value for key, value in document.items() if key.lower() == name), None)


def _word(value: Any) -> str:
    return value[:40] if isinstance(value, str) and value.isprintable() else "of an unknown version"
