"""The plugins in a configuration file that this program stands for, each as it gets its configuration.

A runtime writes the list's name into each plugin's object (CNI SPEC, section 3); flannel writes more into
that of its delegate. What is found in the outcome has to be told by its place in the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cni_hns.typed import Any, NamedTuple

from .flannel import HandedOn, hand_on, is_flannel
from .recognise import dialect_of

__all__ = ["FilePlugin", "plugins_of"]

_OF_THE_LIST = ("name", "cniVersion")
_STEP = re.compile(r"\[(\d+)\]|([^.\[]+)")


class FilePlugin(NamedTuple):
    """One plugin of ours: what it gets on stdin, and how that is told by places in the file.

    `position` is that in a list, None in a file of a single object. `written` is the file's own object,
    flannel's where flannel hands on to ours.
    """

    config: dict[str, Any]
    written: Mapping[str, Any]
    position: int | None
    flannel: HandedOn | None = None

    @property
    def prefix(self) -> str:
        """What goes before the path of every member of the object, `plugins[0]` or nothing."""
        return "" if self.position is None else f"plugins[{self.position}]"

    def place(self, path: str) -> str:
        """The path in the file of a part of `config`, spelt as in the file."""
        path = _respelt(self.config, path)
        if self.flannel:
            outside = self.flannel.outside(path)
            if outside is not None:
                return outside
            path = self.flannel.place(path)
        return self.place_in_object(path)

    def place_in_object(self, path: str) -> str:
        """The path in the file of a member of the file's own object."""
        if not self.prefix or path in _OF_THE_LIST:
            return path
        return f"{self.prefix}.{path}".rstrip(".")


def plugins_of(document: Mapping[str, Any]) -> list[FilePlugin]:
    """Our plugins in a single object or a list, in order; a single object is taken for ours in any case."""
    if "plugins" not in document:
        return [_plugin(document, document, None)]
    listed = document["plugins"]
    objects = enumerate(listed if isinstance(listed, list) else [])
    # As the runtime does; what the list has not, the object may still say for itself.
    of_the_list = {key: document[key] for key in _OF_THE_LIST if key in document}
    return [
        _plugin({"name": "unnamed", **each, **of_the_list}, each, index)
        for index, each in objects
        if isinstance(each, Mapping) and _is_ours(each)
    ]


def _plugin(config: Mapping[str, Any], written: Mapping[str, Any], position: int | None) -> FilePlugin:
    if not is_flannel(config):
        return FilePlugin(dict(config), written, position)
    handed = hand_on(config)
    return FilePlugin(handed.config, written, position, handed)


def _is_ours(plugin: Mapping[str, Any]) -> bool:
    return is_flannel(plugin) or dialect_of(plugin) is not None


def _respelt(document: Any, path: str) -> str:
    """The path with each key as the document spells it, as far as the document has it."""
    text = ""
    for match in _STEP.finditer(path):
        number, key = match.groups()
        if number is not None:
            text += f"[{number}]"
            inside = isinstance(document, list) and int(number) < len(document)
            document = document[int(number)] if inside else None
        else:
            spelt = [each for each in document if each.lower() == key.lower()] if _is_object(document) else []
            key = key if key in spelt or not spelt else spelt[-1]
            text += f".{key}" if text else key
            document = document.get(key) if _is_object(document) else None
    return text


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)
