"""What libcni, by which runtimes read these files, refuses in a document before it asks any plugin.

Rule: the words are libcni's own, so that who finds them in a runtime's log finds them here, too. They are
told by the document alone; what is wrong with the text is told by `file_text`.
Source: libcni 1.3.0 (NetworkConfFromBytes, NetworkConfListFromBytes), go-cni (loadFromConfDir).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from cni_hns.typed import Any

from .findings import Finding

__all__ = ["LOADED", "refusals_of_list", "refusals_of_name"]

LOADED = (".conf", ".conflist", ".json")
_SWITCHES = ("disableCheck", "disableGC", "loadOnlyInlinedPlugins")
_TRUTHS = {"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"}


def refusals_of_name(document: Mapping[str, Any], name: str) -> list[Finding]:
    """What the file's name has to do with it: a list and a single plugin have different suffixes."""
    suffix = os.path.splitext(name)[1]
    if suffix in (".conf", ".json") and "plugins" in document:
        message = f"a list in a {suffix} file, where runtimes look for one plugin and fail: call it .conflist"
        return [_refusal("plugins", message, "missing 'type'")]
    if suffix == ".conflist" and "plugins" not in document:
        message = (
            "missing: a .conflist file holds a list; call this file .conf, or put its plugin into plugins"
        )
        return [_refusal("plugins", message, "no plugin configs found")]
    if name and suffix not in LOADED:
        shown = suffix or "a name without one"
        message = f"runtimes load .conf, .conflist and .json files, in lower case, and pass over {shown}"
        return [_refusal("", message, "no net configurations found", "warning")]
    return []


def refusals_of_list(document: Mapping[str, Any]) -> list[Finding]:
    """What keeps a list from being read, all of it at once."""
    return [*_members(document), *_switches(document), *_plugins(document["plugins"])]


def _refusal(path: str, message: str, words: str, severity: str = "error") -> Finding:
    return Finding(path, f"{message} (libcni: {words})", severity)


def _members(document: Mapping[str, Any]) -> Iterator[Finding]:
    if "name" not in document:
        yield _refusal("name", "missing", "no name")
    for key in ("name", "cniVersion"):
        value = document.get(key, "")
        if not isinstance(value, str):
            yield _refusal(key, "a text is expected", f"invalid {key} type {_go_type(value)}")


def _switches(document: Mapping[str, Any]) -> Iterator[Finding]:
    for key in _SWITCHES:
        value = document.get(key, False)
        if isinstance(value, str) and value not in _TRUTHS:
            yield _refusal(key, "true or false is expected", f'invalid value "{value}" for {key}')
        elif not isinstance(value, (str, bool)):
            yield _refusal(key, "true or false is expected", f"invalid type {_go_type(value)} for {key}")


def _plugins(plugins: object) -> Iterator[Finding]:
    if not isinstance(plugins, list):
        yield _refusal(
            "plugins", "a list of plugins is expected", f"invalid 'plugins' type {_go_type(plugins)}"
        )
        return
    if not plugins:
        yield _refusal(
            "plugins", "a list of plugins is expected, and this one is empty", "no plugins in list"
        )
    for index, each in enumerate(plugins):
        failed = f"failed to parse plugin config {index}: error parsing configuration: "
        if not isinstance(each, Mapping):
            words = (
                f"{failed}json: cannot unmarshal {_json_type(each)} into Go value of type types.PluginConf"
            )
            yield _refusal(f"plugins[{index}]", "an object is expected", words)
        elif not isinstance(_type_of(each) or "", str):
            words = f"{failed}json: cannot unmarshal {_json_type(_type_of(each))} into Go struct field"
            yield _refusal(f"plugins[{index}].type", "a text is expected", f"{words} PluginConf.type")
        elif not _type_of(each):
            message = "missing: no program could be started"
            yield _refusal(f"plugins[{index}].type", message, f"{failed}missing 'type'")


def _type_of(plugin: Mapping[str, Any]) -> object:
    """As Go reads it: whatever the case of the key."""
    return next((value for key, value in plugin.items() if key.lower() == "type"), None)


def _go_type(value: object) -> str:
    """What Go calls the type of a value that it has read from JSON."""
    names = {bool: "bool", int: "float64", float: "float64", str: "string", list: "[]interface {}"}
    return "<nil>" if value is None else names.get(type(value), "map[string]interface {}")


def _json_type(value: object) -> str:
    names = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")
