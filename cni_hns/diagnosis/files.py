"""Files of the node: configurations as our reader sees them, the log's end, host-local's reservations."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from cni_hns.cni.configuration import read_document
from cni_hns.cni.errors import CniError
from cni_hns.diagnosis.clean import LOG_MEMBERS, configuration_members, known_only, masked
from cni_hns.ipam.hostlocal_files import Folder
from cni_hns.ledger.addresses import address_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = [
    "configurations",
    "in_folder",
    "log_files",
    "log_tail",
    "logs_of",
    "plugin_documents",
    "reservation_folders",
    "reservations",
    "shown",
]

Document = dict[str, Any]

_SUFFIXES = (".conf", ".conflist", ".json")
_LARGEST_BYTES = 1 << 20
_MOST_FILES = 50
_TAIL_BYTES = 512 * 1024
_MOST_FOLDERS = 50


def configurations(paths: Sequence[str]) -> list[tuple[str, Document | str]]:
    """Each file with its document, complete; or with the reason why there is none."""
    return [(path, _document(path)) for path in paths[:_MOST_FILES]]


def shown(document: Document) -> Any:
    """The document with what is known of it; of all else name and length."""
    return known_only(document, configuration_members())


def plugin_documents(documents: Iterable[Document | str]) -> Iterator[Document]:
    """The plugins of all configurations, each as an object."""
    for document in documents:
        if isinstance(document, dict):
            several = document.get("plugins", [document])
            found = several if isinstance(several, list) else []
            yield from (one for one in found if isinstance(one, dict))


def log_files(plugins: Sequence[Document]) -> list[str]:
    """The logs that the configurations name, each with the older one beside it."""
    return [path for one in logs_of(plugins) for path in (f"{one}.1", one) if os.path.isfile(path)]


def logs_of(plugins: Sequence[Document]) -> list[str]:
    """The logs that the configurations name, whether they are there or not."""
    named = [_member(_object(one, "log"), "file") for one in plugins]
    return list(dict.fromkeys(one for one in named if isinstance(one, str) and os.path.isabs(one)))


def log_tail(path: str) -> str:
    """Its last lines: of each the members that are known. A line that is no JSON is told by its length.

    Raises: OSError.
    """
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        begins = max(0, size - _TAIL_BYTES)
        file.seek(begins)
        lines = file.read(_TAIL_BYTES).decode("utf-8", "replace").split("\n")
    # Where the reading begins, a line does not.
    whole = lines[1:] if begins else lines
    return "".join(f"{_log_line(line)}\n" for line in whole if line)


def reservation_folders(plugins: Sequence[Document], default: str) -> list[str]:
    """host-local's folders: this node's own, and those that configurations name."""
    named = [_member(_object(one, "ipam"), "datadir") for one in plugins]
    return list(dict.fromkeys([default, *(one for one in named if isinstance(one, str) and one)]))


def reservations(folder: str) -> Document:
    """What host-local's files in the folder say, by network: each address with its owner.

    Raises: OSError, CniError.
    """
    found: Document = {}
    for entry in sorted(os.scandir(folder), key=lambda one: one.name)[:_MOST_FOLDERS]:
        if entry.is_dir(follow_symlinks=False):
            contents = Folder(entry.path).read()
            found[entry.name] = {
                "reservations": {
                    address_text(one.address): masked(one.words) for one in contents.reservations
                },
                "lastReserved": {
                    str(number): address_text(one) for number, one in contents.last_reserved.items()
                },
                "complete": contents.complete,
                "lockThere": os.path.lexists(os.path.join(entry.path, "lock")),
            }
    return found


def in_folder(folder: str) -> list[str]:
    """The configuration files of a folder; none where there is no such folder."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.endswith(_SUFFIXES)]


def _document(path: str) -> Document | str:
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
        if len(data) > _LARGEST_BYTES:
            return f"larger than {_LARGEST_BYTES} bytes"
        return read_document(data)
    except (OSError, CniError) as fault:
        return " ".join(str(fault).split())


def _log_line(line: str) -> str:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return f"({len(line)} characters that are no JSON)"
    return json.dumps(known_only(document, LOG_MEMBERS))


def _object(document: Mapping[str, Any], name: str) -> Document:
    found = _member(document, name)
    return found if isinstance(found, dict) else {}


def _member(document: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in document.items() if key.lower() == name), None)
