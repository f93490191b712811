"""The settings of one policy against their model: every member at every depth, and all faults at once."""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.cni.settings import has_control_characters
from cni_hns.schema import Document
from cni_hns.typed import Any

from . import fields
from .findings import Finding
from .policy_values import value_faults
from .quoting import masked, quoted
from .reading import faults_of, unknown_key
from .spelling import near

__all__ = ["known_members", "read_settings"]

# What other firewalls call HNS's words: each stands in many a configuration, and is nobody's secret.
_USUAL_WORDS = frozenset(
    [
        *("accept", "permit", "deny", "drop", "reject", "any", "all", "none", "default", "both", "forward"),
        *("inbound", "outbound", "ingress", "egress", "input", "output", "true", "false", "yes", "no", "on"),
        *("off", "tcp", "udp", "icmp", "ipv4", "ipv6", "container", "node", "pod", "local", "remote"),
    ]
)


def read_settings(
    kind: str, model: type[Document], value: Any, path: str
) -> tuple[dict[str, Any], list[Finding]]:
    """(the settings of a policy in the schema's spelling, everything that is wrong with them).

    Values must have the schema's JSON types: HNS converts none.
    """
    if not isinstance(value, Mapping):
        return {}, [Finding(path, f"an object is expected, not {fields.kind_of(value)}")]
    findings = _members(model, value, path)
    read, faults = faults_of(model, _frozen(value), path, strict=True)
    if read is None:
        # The rest is looked at as well, so that everything is said at once.
        read, _ = faults_of(model, _frozen(_without_faulty(value, faults, path)), path, strict=True)
    findings += faults
    settings: dict[str, Any] = read.to_document() if read is not None else {}
    findings += _words(read, path) if read is not None else []
    findings += [Finding(place, "has a control character") for place in _unprintable(settings, path)]
    findings += [
        Finding(f"{path}.{key}" if key else path, message)
        for key, message in value_faults(kind, settings)
        # What is said of the settings as a whole may follow from what had to be left out.
        if key or not faults
    ]
    return settings, _first_of_each_place(findings)


def _first_of_each_place(findings: list[Finding]) -> list[Finding]:
    """What has the wrong type, or is missing, needs no second remark on its value."""
    return list({finding.path: finding for finding in reversed(findings)}.values())[::-1]


def _members(model: type[Document], value: Any, path: str) -> list[Finding]:
    """The members that are unknown, and the needed ones that are missing, at every depth."""
    if not isinstance(value, Mapping):
        return []
    known = model.member_names()
    spelt = {name.lower(): name for name in known}
    found = [
        Finding(f"{path}.{key}", _unknown_setting(key, known)) for key in value if key.lower() not in spelt
    ]
    given = {spelt[key.lower()]: each for key, each in value.items() if key.lower() in spelt}
    found += [Finding(f"{path}.{name}", "missing") for name in model.needed if given.get(name, "") == ""]
    for name, part in model.parts().items():
        inner = given.get(name)
        places = (
            [(f"{path}.{name}[{index}]", each) for index, each in enumerate(inner)]
            if isinstance(inner, list)
            else [(f"{path}.{name}", inner)]
        )
        found += [finding for place, each in places for finding in _members(part, each, place)]
    return found


def _unknown_setting(key: str, known: list[str]) -> str:
    return unknown_key(key, known) if known else "unknown key; the policy has no settings"


def _without_faulty(value: Mapping[str, Any], faults: list[Finding], path: str) -> dict[str, Any]:
    """The settings without those that the faults are in."""
    faulty = {
        fault.path.removeprefix(f"{path}.").partition(".")[0].partition("[")[0].lower() for fault in faults
    }
    return {key: each for key, each in value.items() if key.lower() not in faulty}


def _words(read: Document, path: str) -> list[Finding]:
    """The members whose word is none of their list, at every depth."""
    found = []
    for name, words in type(read).words().items():
        value = getattr(read, name)
        number = isinstance(value, int) and not words.numbered()
        if not isinstance(value, words) and not number:
            place = f"{path}.{type(read).model_fields[name].alias}"
            found.append(Finding(place, _no_such_word(value, list(words))))
    for name, field in type(read).model_fields.items():
        value = getattr(read, name)
        if field.alias in type(read).parts():
            parts = value if isinstance(value, tuple) else (value,)
            place = f"{path}.{field.alias}"
            for index, part in enumerate(parts):
                found += _words(part, f"{place}[{index}]" if isinstance(value, tuple) else place)
    return found


def _no_such_word(value: Any, words: list[str]) -> str:
    """That the value is none of the words which alone can stand there.

    An enumeration is no place for a secret: a misspelt word of it, or what other programs call one, is shown
    by a verb as well. Any other text may have got there by a slip of the hand, and is masked.
    """
    rest = f" is not one of {', '.join(words)}"
    text, plain = str(value), fields.shown(value) + rest
    is_meant = text.lower() in _USUAL_WORDS or near(text, words) is not None
    return plain if is_meant else masked(quoted(value) + rest, plain)


def _unprintable(value: Any, path: str) -> list[str]:
    """The places of texts, and of keys, with control characters; HNS would cut them off at a NUL."""
    if isinstance(value, str):
        return [path] if has_control_characters(value) else []
    if isinstance(value, Mapping):
        inside = [(f"{path}.{key}", each) for key, each in value.items()]
        own = [path] if any(has_control_characters(key) for key in value) else []
    elif isinstance(value, list | tuple):
        inside = [(f"{path}[{index}]", each) for index, each in enumerate(value)]
        own = []
    else:
        return []
    return own + [place for below, each in inside for place in _unprintable(each, below)]


def _frozen(value: Any) -> Any:
    """JSON's lists as the models hold them: a strict reading takes no list for a tuple."""
    if isinstance(value, Mapping):
        return {key: _frozen(each) for key, each in value.items()}
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value


def known_members(model: type[Document], value: Any) -> tuple[Any, list[str]]:
    """(the value without members that the schema does not list, the names of those), at every depth."""
    if isinstance(value, list):
        items = [known_members(model, each) for each in value]
        return [each for each, _ in items], [name for _, names in items for name in names]
    if not isinstance(value, Mapping):
        return value, []
    spelt = {name.lower(): name for name in model.member_names()}
    kept: dict[str, Any] = {}
    unknown = [key for key in value if key.lower() not in spelt]
    for key, each in value.items():
        name = spelt.get(key.lower())
        if name is not None:
            part = model.parts().get(name)
            kept[name], inner = known_members(part, each) if part else (each, [])
            unknown += [f"{name}.{each}" for each in inner]
    return kept, unknown
