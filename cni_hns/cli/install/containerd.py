"""Where containerd looks for plugins and for their configurations, by its own configuration file.

Source: https://github.com/containerd/containerd/blob/main/docs/cri/config.md
"""

from __future__ import annotations

import glob
import os
import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

from cni_hns.cli.failure import Failure

__all__ = ["Places", "default_places", "find_places"]

# The CRI plugin's tables in configurations of version 3, 2 and 1; what newer ones say goes first.
_MOST_FILES = 1
_TABLES = ("io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri", "cri")


class Places(NamedTuple):
    """The two folders, and what says so, for people.

    `bin_dirs` are all folders of plugins, `bin_dir` first. `most_files` is how many configurations are loaded
    (`max_conf_num`), 0 for all.
    """

    bin_dir: str
    conf_dir: str
    said_by: str
    bin_dirs: tuple[str, ...]
    most_files: int


def find_places(bin_dir: str | None, conf_dir: str | None, config: str | None) -> Places:
    """The folders: as given, else by containerd's configuration, else by its defaults.

    Raises:
        Failure: that configuration cannot be read, or was named and is not there.
    """
    default_config, default_bin, default_conf = _defaults()
    path = config or default_config
    said_by, cni = "containerd's defaults", {}
    if config or os.path.isfile(path):
        cni = _cni_table(_read(path, ()))
        said_by = path if cni else f"containerd's defaults ({path} names no CNI folders)"
    several = cni.get("bin_dirs")
    of_config = several if isinstance(several, list) and several else [cni.get("bin_dir")]
    folders = [bin_dir] if bin_dir else [one for one in map(_text, of_config) if one] or [default_bin]
    most = cni.get("max_conf_num", _MOST_FILES)
    return Places(
        os.path.abspath(folders[0]),
        os.path.abspath(conf_dir or _text(cni.get("conf_dir")) or default_conf),
        "the command line" if bin_dir and conf_dir else said_by,
        tuple(map(os.path.abspath, folders)),
        most if isinstance(most, int) and most >= 0 else _MOST_FILES,
    )


def default_places() -> Places:
    """The folders where nobody says otherwise."""
    _, bin_dir, conf_dir = map(os.path.abspath, _defaults())
    return Places(bin_dir, conf_dir, "containerd's defaults", (bin_dir,), _MOST_FILES)


def _defaults() -> tuple[str, str, str]:
    if os.name == "nt":
        base = os.path.join(os.environ.get("PROGRAMFILES") or "C:\\Program Files", "containerd")
        return (
            os.path.join(base, "config.toml"),
            os.path.join(base, "cni", "bin"),
            os.path.join(base, "cni", "conf"),
        )
    return "/etc/containerd/config.toml", "/opt/cni/bin", "/etc/cni/net.d"


def _read(path: str, seen: tuple[str, ...]) -> dict[str, Any]:
    """The file with what it imports; an imported file overrides it, a later one an earlier one."""
    try:
        with open(path, "rb") as file:
            document = tomllib.load(file)
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise Failure(f'containerd\'s configuration "{path}" cannot be read: {reason}') from fault
    imports = document.get("imports", [])
    for pattern in imports if isinstance(imports, list) else []:
        absolute = os.path.join(os.path.dirname(os.path.abspath(path)), str(pattern))
        for found in sorted(glob.glob(absolute)):
            if found not in seen:
                document = _merged(document, _read(found, (*seen, path, found)))
    return document


def _merged(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _cni_table(document: dict[str, Any]) -> dict[str, Any]:
    plugins = document.get("plugins")
    for name in _TABLES:
        plugin = plugins.get(name) if isinstance(plugins, dict) else None
        cni = plugin.get("cni") if isinstance(plugin, dict) else None
        if isinstance(cni, dict):
            return cni
    return {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
