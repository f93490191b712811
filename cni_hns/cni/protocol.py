"""The facts of the CNI specification: its versions, what each verb needs, how names and documents look."""

from __future__ import annotations

import json

from cni_hns.typed import Any, Final, NamedTuple

__all__ = [
    "LATEST",
    "SUPPORTED",
    "UNSTATED",
    "VERBS",
    "VerbFacts",
    "at_least",
    "identifier_fault",
    "ifname_fault",
    "to_text",
]

SUPPORTED: Final = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
LATEST: Final = SUPPORTED[-1]

# A configuration without a version, or with an empty one, is from before versions were written down.
UNSTATED: Final = "0.1.0"


def at_least(version: str, minimum: str) -> bool:
    """Whether one supported version is the other or came after it."""
    return SUPPORTED.index(version) >= SUPPORTED.index(minimum)


def to_text(document: dict[str, Any]) -> str:
    """The document as libcni prints one: four spaces, no newline at the end."""
    return json.dumps(document, indent=4, ensure_ascii=False)


class VerbFacts(NamedTuple):
    """What the specification says of one verb."""

    since: str
    """The first version in which a configuration allows it."""
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


_ATTACHMENT = ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME")

# CNI SPEC, section 2, "CNI operations". CNI_PATH is nowhere required: only an external IPAM plugin needs it.
VERBS: Final = {
    "ADD": VerbFacts("0.1.0", _ATTACHMENT, ("CNI_ARGS", "CNI_PATH")),
    "DEL": VerbFacts("0.1.0", ("CNI_CONTAINERID", "CNI_IFNAME"), ("CNI_NETNS", "CNI_ARGS", "CNI_PATH")),
    "CHECK": VerbFacts("0.4.0", _ATTACHMENT, ("CNI_ARGS", "CNI_PATH")),
    "GC": VerbFacts("1.1.0", optional=("CNI_PATH",)),
    "STATUS": VerbFacts("1.1.0", optional=("CNI_PATH",)),
    "VERSION": VerbFacts("0.1.0"),
}

_ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_IN_IDENTIFIER = _ALPHANUMERIC + "_.-"

# Container ids and network names become parts of file and endpoint names; 255 is what file systems take.
_MAX_IDENTIFIER = 253
_MAX_IFNAME_BYTES = 15


def identifier_fault(text: str) -> str | None:
    """What is wrong with a container id or a network name; None where nothing is.

    "Must start with an alphanumeric character, optionally followed by any combination of one or more
    alphanumeric characters, underscore, dot or hyphen" (CNI SPEC, section 2, "Parameters").
    """
    # Of a text with nothing else in it `strip` leaves nothing; a regular expression would first be compiled.
    if not text or text[0] not in _ALPHANUMERIC or text.strip(_IN_IDENTIFIER):
        return "must begin with a letter or digit and contain only letters, digits, '_', '.' and '-'"
    if len(text) > _MAX_IDENTIFIER:
        return f"must not be longer than {_MAX_IDENTIFIER} characters"
    return None


def ifname_fault(text: str) -> str | None:
    """What is wrong with an interface name (the rules that Linux has for one); None where nothing is."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        return "must be text in UTF-8"
    if len(encoded) > _MAX_IFNAME_BYTES:
        return f"must not be longer than {_MAX_IFNAME_BYTES} bytes"
    if text in {"", ".", ".."}:
        return "must not be empty, '.' or '..'"
    if any(character in "/:" or character.isspace() or not character.isprintable() for character in text):
        return "must not contain '/', ':', white space or what cannot be printed"
    return None
