"""The network configuration as it arrives on stdin: the document, and what every plugin reads of it.

Rule 1: no message repeats content of the document beyond its name and version: it may hold secrets.
Rule 2: the checks run in the order in which every plugin runs them (document, name, verb, version), so that
a runtime sees the code it expects.
"""

from __future__ import annotations

import json
import math
import re

from cni_hns.cni.errors import DECODE_FAILURE, INCOMPATIBLE_VERSION, INVALID_CONFIG, CniError, shown
from cni_hns.cni.protocol import (
    LATEST,
    SUPPORTED,
    UNSTATED,
    VERBS,
    at_least,
    identifier_fault,
    ifname_fault,
)
from cni_hns.typed import Any, Final, NamedTuple, NoReturn

__all__ = [
    "LIMIT_BYTES",
    "Envelope",
    "answer_version",
    "check_envelope",
    "folded",
    "read_document",
    "valid_attachments",
]

LIMIT_BYTES: Final = 10_000_000
"""A document of this size or more is refused unread: configurations are thousands of times smaller."""

# Deeper than any configuration, and low enough for everything that walks a document by recursion.
_MAX_DEPTH = 100

_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_ATTACHMENT_KEYS = ("cni.dev/valid-attachments", "cni.dev/attachments")
_SHORT_VERSION = r"[0-9A-Za-z.+\- ]{1,32}"


class Envelope(NamedTuple):
    """What every verb reads of a configuration."""

    version: str
    name: str


def read_document(data: bytes) -> dict[str, Any]:
    """The JSON object on stdin; a UTF-8 byte order mark is passed over, of two equal keys the later wins.

    Raises: CniError (code 6) for everything that is not one JSON object, with line and column where known.
    """
    if len(data) >= LIMIT_BYTES:
        raise _undecodable(f"is larger than the limit of {LIMIT_BYTES // 1_000_000} MB")
    text = _decoded(data)
    if not text.strip():
        raise _undecodable("is empty", "the runtime must write the configuration to stdin and close it")
    document = _parsed(text)
    if not isinstance(document, dict):
        raise _undecodable(f"is not a JSON object but {_json_kind(document)}", _mistaken_for(document))
    _refuse_depth(document)
    _refuse_lone_surrogates(document)
    return document


def check_envelope(document: dict[str, Any], command: str) -> Envelope:
    """The version and the network's name, after the checks that every plugin makes.

    Raises:
        CniError: code 6 for a member of the wrong type, 7 for a list and for a missing or bad name, 1 for a
        version that is unknown or does not have the verb.
    """
    _refuse_list(document)
    version, name = _text(document, "cniVersion") or UNSTATED, _text(document, "name")
    if not name:
        details = _mistaken_for(document) or 'the configuration needs a "name"'
        raise CniError(INVALID_CONFIG, "missing network name", details)
    fault = identifier_fault(name)
    if fault:
        raise CniError(INVALID_CONFIG, f"invalid characters found in network name: it {fault}", shown(name))
    since = VERBS[command].since
    if version in SUPPORTED and not at_least(version, since):
        raise CniError(
            INCOMPATIBLE_VERSION,
            f"config version does not allow {command}",
            f'the configuration is of "cniVersion": "{version}", {command} needs "{since}" or later',
        )
    if version not in SUPPORTED:
        raise CniError(
            INCOMPATIBLE_VERSION,
            "incompatible CNI versions",
            f"config is {_shown_version(version)}, plugin supports {json.dumps(SUPPORTED)}",
        )
    return Envelope(version, name)


def _refuse_list(document: dict[str, Any]) -> None:
    """Also to a DEL: which `dataDir` the attachment's ledger lies in stands in the plugin's own object."""
    if "type" in document or not any(key.lower() == "plugins" for key in document):
        return
    from cni_hns.cni.mistaken import is_list

    if is_list(document):
        raise CniError(
            INVALID_CONFIG,
            "the network configuration on stdin is a list: a runtime sends one plugin of it (cnitool does)",
            _mistaken_for(document),
        )


def _mistaken_for(document: object) -> str:
    from cni_hns.cni.mistaken import words_for

    return words_for(document)


def answer_version(document: dict[str, Any]) -> str:
    """The version to answer in when something is wrong: the configuration's where it is a supported one."""
    version = document.get("cniVersion")
    if version is None or version == "":
        return UNSTATED
    return version if isinstance(version, str) and version in SUPPORTED else LATEST


def valid_attachments(document: dict[str, Any]) -> set[tuple[str, str]]:
    """The (container id, ifname) pairs that GC must leave alone.

    Runtimes use either of two keys, or both: their union counts. Where both are absent or null, nothing is
    valid (CNI SPEC, section 2, "GC"; libcni writes an empty list as null).

    Raises: CniError (code 7) for a list that cannot be read in full: then nothing may be removed.
    """
    valid: set[tuple[str, str]] = set()
    faults: list[str] = []
    for key in _ATTACHMENT_KEYS:
        entries = document.get(key)
        if entries is not None and not isinstance(entries, list):
            faults.append(f"{key} is not a list")
            continue
        for index, entry in enumerate(entries or []):
            pair = _attachment(entry)
            if isinstance(pair, str):
                faults.append(f"{key}[{index}] {pair}")
            else:
                valid.add(pair)
    if faults:
        raise CniError(INVALID_CONFIG, "; ".join(faults), "nothing was removed")
    return valid


def folded(value: object) -> Any:
    """The value with every key of every object in it in lower case; of two that become equal the later wins.

    Every Go program matches keys so, and runtimes rely on it: containerd writes `HostPort`, the
    specification `hostPort`.
    """
    if isinstance(value, dict):
        return {key.casefold(): folded(member) for key, member in value.items()}
    if isinstance(value, list):
        return [folded(member) for member in value]
    return value


def _attachment(entry: object) -> tuple[str, str] | str:
    """One entry of a list of valid attachments, or what is wrong with it."""
    if not isinstance(entry, dict):
        return "is not an object"
    members = folded(entry)
    container_id, ifname = members.get("containerid"), members.get("ifname")
    if not isinstance(container_id, str) or identifier_fault(container_id):
        return "has no containerID, or not a valid one"
    if not isinstance(ifname, str) or ifname_fault(ifname):
        return "has no ifname, or not a valid one"
    return container_id, ifname


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _undecodable(f'has a "{key}" that is not text but {_json_kind(value)}')
    return value


def _shown_version(version: str) -> str:
    """A version, or what stands in its place: other text is not for a message."""
    return f'"{version}"' if re.fullmatch(_SHORT_VERSION, version) else f"({len(version)} characters)"


def _decoded(data: bytes) -> str:
    if data.startswith(_UTF_16_MARKS):
        raise _undecodable("is in UTF-16", "save the file as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise _undecodable(f"is not UTF-8 at byte {fault.start}", "save the file as UTF-8") from fault


def _parsed(text: str) -> object:
    try:
        return json.loads(
            text, object_pairs_hook=_last_wins, parse_constant=_refuse_constant, parse_float=_finite
        )
    except json.JSONDecodeError as fault:
        # The parser's own words end at the colon: after it some of them quote what was found.
        reason = fault.msg.partition(":")[0]
        from cni_hns.cni.mistaken import words_for_text

        where = f"line {fault.lineno}, column {fault.colno}"
        raise _undecodable(f"is not JSON at {where}: {reason}", words_for_text(text)) from fault
    except RecursionError as fault:
        raise _too_deep() from fault
    except ValueError as fault:
        raise _undecodable("holds a number with too many digits") from fault


def _last_wins(pairs: list[tuple[str, object]]) -> dict[str, Any]:
    """Of two equal keys the later counts, its place too: between two spellings of a key the order decides."""
    members = dict(pairs)
    if len(members) < len(pairs):
        members.clear()
        for key, value in pairs:
            members.pop(key, None)
            members[key] = value
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise _undecodable(f"holds {name}, which JSON does not have")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _undecodable("holds a number that is too large")
    return number


def _refuse_depth(document: dict[str, Any]) -> None:
    level: list[Any] = [document]
    for _ in range(_MAX_DEPTH):
        level = [
            member
            for container in level
            for member in (container.values() if isinstance(container, dict) else container)
            if isinstance(member, dict | list)
        ]
        if not level:
            return
    raise _too_deep()


def _refuse_lone_surrogates(document: dict[str, Any]) -> None:
    """JSON can write half a character (`\\ud800`); neither a database nor HNS can take it."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as fault:
        raise _undecodable("holds text with half a surrogate pair") from fault


def _json_kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    kinds = {str: "text", int: "a number", float: "a number", list: "a list"}
    return kinds.get(type(value), "an object")


def _too_deep() -> CniError:
    return _undecodable(f"is nested more than {_MAX_DEPTH} levels deep")


def _undecodable(what: str, details: str = "") -> CniError:
    return CniError(DECODE_FAILURE, f"the network configuration on stdin {what}", details)
