"""What the container runtime loads: the configuration, and the program that it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.doctor.owners import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture
    from cni_hns.survey.configuration import ConfigurationFile

__all__ = ["AREA"]

_NO_NEW_PODS = "no new pod gets a network: each stays in ContainerCreating, and the node is NotReady"

_KINDS: dict[str, Kind] = {
    "runtime-configuration-unreadable": Kind(
        "ill",
        "containerd does not start with it; one that runs goes on with what it read before",
        "mend the file, then `Restart-Service containerd`",
    ),
    "configuration-broken": Kind("ill", _NO_NEW_PODS, 'cni-hns config check "{file}"'),
    "configuration-not-loaded": Kind(
        "ill",
        "new pods get another plugin's network, or none",
        "{next}",
    ),
    "configuration-left": Kind(
        "warning",
        "pods do not get this network",
        "{next}",
    ),
    "program-missing": Kind("ill", _NO_NEW_PODS, 'cni-hns install --bin-dir "{folder}"'),
    "program-other-version": Kind(
        "warning",
        "pods are set up by another version than the one that looks here",
        'cni-hns install --bin-dir "{folder}"',
    ),
    "program-single-file": Kind(
        "warning",
        "every call of the plugin unpacks it anew and takes 4 to 11 times as long",
        'cni-hns install --bin-dir "{folder}"',
    ),
}


def _files(picture: Picture) -> Iterator[Seen]:
    seen = picture.configuration
    if seen is None:
        return
    if seen.fault:
        yield Seen("runtime-configuration-unreadable", "containerd", seen.fault)
    for one in seen.files:
        if one.fault and not one.left:
            cause = f"containerd loads none of its configurations, because of this one: {one.fault}"
            yield Seen("configuration-broken", one.path, cause, (), {"file": one.path})
            return
    ours = [one for one in (*seen.files, *seen.elsewhere) if one.is_ours and not one.fault]
    is_loaded = any(one.is_ours for one in seen.loaded)
    for one in ours:
        if one.left:
            kind = "configuration-left" if is_loaded else "configuration-not-loaded"
            names = {"next": _next_step(one, seen.conf_dir, seen.loaded)}
            cause = f"containerd does not load it: {one.left}"
            yield Seen(kind, f"{one.path} (network {quoted(one.network)})", cause, (), names)


def _next_step(one: ConfigurationFile, folder: str, loaded: list[ConfigurationFile]) -> str:
    if "max_conf_num" in one.left:
        before = ", ".join(each.path for each in loaded)
        return f"rename it so that it comes before {before}, or take that away; or raise max_conf_num"
    if "ends in" in one.left:
        return "rename it to .conflist for a list of plugins, to .conf for one plugin"
    return f"put it into {folder}, or set conf_dir in containerd's configuration and restart containerd"


def _programs(picture: Picture) -> Iterator[Seen]:
    seen = picture.configuration
    if seen is None:
        return
    for one in seen.programs:
        names = {"folder": seen.bin_dirs[0]}
        if not one.path:
            cause = f"no folder of plugins has it: {', '.join(seen.bin_dirs)}"
            yield Seen("program-missing", f"plugin {one.name}", cause, (), names)
        elif one.is_single:
            yield Seen("program-single-file", one.path, "it is the single file, copied there", (), names)
        elif one.is_ours and one.version != seen.version:
            cause = f"it is version {one.version}; this program is {seen.version}"
            yield Seen("program-other-version", one.path, cause, (), names)


AREA = Area(_KINDS, (_files, _programs))
