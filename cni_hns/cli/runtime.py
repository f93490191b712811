"""What the container runtime loads, read from its files: the folders, the configurations, their programs.

Source: https://github.com/containerd/go-cni, `loadFromConfDir`: the files with these endings, sorted by name;
the first `max_conf_num` of them, and none at all if one of those cannot be read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from cni_hns import __version__
from cni_hns.cli.failure import Failure
from cni_hns.cli.install.built import build_of
from cni_hns.cli.install.containerd import Places, default_places, find_places
from cni_hns.cni.configuration import read_document
from cni_hns.cni.errors import CniError
from cni_hns.cni.settings import log_settings
from cni_hns.dialects.fields import fold
from cni_hns.dialects.file_plugins import plugins_of
from cni_hns.survey.configuration import ConfigurationFile, ConfigurationSeen, Program

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ENDINGS", "look_at_runtime"]

ENDINGS = (".conf", ".conflist", ".json")
_LARGEST_BYTES = 1 << 20
# What people name a configuration that they mean to be loaded; others are put aside on purpose.
_MEANT = (".yaml", ".yml", ".txt", ".cfg", ".config")


def look_at_runtime(
    bin_dir: str | None = None, conf_dir: str | None = None, config: str | None = None
) -> ConfigurationSeen:
    """What containerd loads; `config` is its own configuration, the folders prevail over it."""
    try:
        places, fault = find_places(bin_dir, conf_dir, config), ""
    except Failure as error:
        places, fault = default_places(), str(error)
    files = tuple(_files_of(places.conf_dir, places.most_files))
    seen = ConfigurationSeen(
        said_by=places.said_by,
        bin_dirs=places.bin_dirs,
        conf_dir=places.conf_dir,
        most_files=places.most_files,
        files=files,
        elsewhere=tuple(_elsewhere(places)) if not any(one.is_ours for one in files) else (),
        version=__version__,
        fault=fault,
        unread=_unread(places.conf_dir),
    )
    names = dict.fromkeys(name for one in seen.loaded for name in one.programs)
    return seen._replace(programs=tuple(_program(name, seen.bin_dirs) for name in names))


def _files_of(folder: str, most: int) -> Iterator[ConfigurationFile]:
    """In the runtime's order; then those that it passes over for their names."""
    names = _names_in(folder)
    which = "the first file by name is" if most == 1 else f"the first {most} files by name are"
    left = f"only {which} loaded (max_conf_num)"
    for count, name in enumerate([one for one in names if one.endswith(ENDINGS)]):
        yield _read(os.path.join(folder, name), left if most and count >= most else "")
    for name in names:
        if name.lower().endswith((*_MEANT, *ENDINGS)) and not name.endswith(ENDINGS):
            yield _read(os.path.join(folder, name), f"its name ends in none of {', '.join(ENDINGS)}")


def _elsewhere(places: Places) -> Iterator[ConfigurationFile]:
    """Ours, in folders where people put configurations that this runtime does not look into."""
    usual = (default_places().conf_dir, "/etc/cni/net.d", places.bin_dir, os.path.dirname(places.conf_dir))
    folders = dict.fromkeys(os.path.abspath(one) for one in usual)
    for folder in folders:
        if os.path.normcase(folder) == os.path.normcase(places.conf_dir):
            continue
        for name in _names_in(folder):
            if name.endswith(ENDINGS):
                found = _read(os.path.join(folder, name), f"the runtime looks into {places.conf_dir}")
                if found.is_ours:
                    yield found


def _unread(folder: str) -> str:
    """A folder that is not there is one without files, to containerd too."""
    try:
        os.listdir(folder)
    except FileNotFoundError:
        return ""
    except OSError as fault:
        return f"{folder} cannot be read: {fault.strerror or fault}"
    return ""


def _names_in(folder: str) -> list[str]:
    try:
        return sorted(one.name for one in os.scandir(folder) if one.is_file())
    except OSError:
        return []


def _read(path: str, left: str) -> ConfigurationFile:
    try:
        with open(path, "rb") as file:
            document = read_document(file.read(_LARGEST_BYTES))
    except OSError as fault:
        return ConfigurationFile(path, left, f"it cannot be read: {fault.strerror or fault}")
    except CniError as fault:
        return ConfigurationFile(path, left, f"it is no JSON object: {fault}")
    refused = _refused(path, document)
    ours = [one.config for one in plugins_of(document) if "type" in one.config]
    first: dict[str, Any] = ours[0] if ours else {}
    is_ours = bool(ours) and _is_of_this_program(document)
    data_dir = fold(first).get("datadir") if is_ours else None
    return ConfigurationFile(
        path,
        left,
        refused,
        network=str(document.get("name") or ""),
        programs=tuple(_types_in(document)),
        is_ours=is_ours,
        log=(log_settings(first).file or "") if is_ours else "",
        data_dir=data_dir if isinstance(data_dir, str) and os.path.isabs(data_dir) else "",
    )


def _refused(path: str, document: dict[str, Any]) -> str:
    """What libcni refuses of a file that is JSON: a list and a single plugin have endings of their own."""
    if not path.endswith(ENDINGS):
        return ""
    is_list = path.endswith(".conflist")
    plugins = document.get("plugins")
    if is_list and (not isinstance(plugins, list) or not plugins):
        return "it is no list of plugins (.conflist)"
    if not is_list and not isinstance(document.get("type"), str):
        return "it names no plugin (type); a list of plugins belongs into a .conflist"
    return ""


def _types_in(document: dict[str, Any]) -> list[str]:
    listed = document.get("plugins")
    objects = listed if isinstance(listed, list) else [document]
    return [str(one["type"]) for one in objects if isinstance(one, dict) and isinstance(one.get("type"), str)]


def _is_of_this_program(document: dict[str, Any]) -> bool:
    """A single object is taken for ours in any case where it is read: here its own word is needed."""
    from cni_hns.dialects.flannel import is_flannel
    from cni_hns.dialects.recognise import dialect_of

    listed = document.get("plugins")
    objects = listed if isinstance(listed, list) else [document]
    return any(isinstance(one, dict) and (is_flannel(one) or dialect_of(one) is not None) for one in objects)


def _program(name: str, folders: tuple[str, ...]) -> Program:
    """libcni looks for the name with .exe first on Windows, in each folder in turn."""
    names = (f"{name}.exe", name) if os.name == "nt" else (name,)
    paths = [os.path.join(folder, one) for folder in folders for one in names]
    path = next((one for one in paths if os.path.isfile(one)), "")
    build = build_of(path) if path else None
    return Program(name, path, build.version, True, build.is_single) if build else Program(name, path)
