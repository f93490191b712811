"""What the container runtime loads: the configuration, and the program that it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.doctor.owners import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture
    from cni_hns.hcn.views import NetworkView
    from cni_hns.survey.configuration import ConfigurationFile

__all__ = ["AREA"]

# Of other types there is one on most nodes, for containers that are no pods.
_OF_PODS = frozenset({"l2bridge", "l2tunnel", "overlay"})
_NO_NEW_PODS = "no new pod gets a network: each stays in ContainerCreating, and the node is NotReady"

_KINDS: dict[str, Kind] = {
    "runtime-configuration-unreadable": Kind(
        "ill",
        "containerd does not start with it; one that runs goes on with what it read before",
        "mend the file, then `Restart-Service containerd`",
    ),
    "configuration-missing": Kind(
        "ill",
        _NO_NEW_PODS,
        '`cni-hns install --subnet {prefix} --conf-dir "{folder}"` writes one; where a network daemon writes '
        "it (flanneld, calico-node), see why that does not run on this node",
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


def _missing(picture: Picture) -> Iterator[Seen]:
    """None at all, on a node that has or had pods; of one of ours that is left, `_files` tells."""
    seen = picture.configuration
    if seen is None or not seen.is_of_this_node or seen.fault or seen.unread:
        return
    is_told = any(_is_told(one) for one in (*seen.files, *seen.elsewhere))
    why = _why_meant(picture)
    if not seen.loaded and not is_told and why:
        cause = f"it loads no network configuration: {seen.conf_dir} has none ({seen.said_by}); yet {why}"
        names = {"folder": seen.conf_dir, "prefix": _prefix(picture)}
        yield Seen("configuration-missing", "containerd", cause, (), names)


def _is_told(one: ConfigurationFile) -> bool:
    """Whether `_files` has a finding of it, where none is loaded."""
    return not one.left if one.fault else one.is_ours


def _why_meant(picture: Picture) -> str:
    """What shows that pods belong on this node; "" where nothing does."""
    if picture.seen.rows:
        return f"the ledger has pods of network {quoted(picture.seen.rows[0].key.network)}"
    found = next(_networks_of_pods(picture), None)
    return f"HNS has HCN network {quoted(found.name)} of type {found.type}" if found is not None else ""


def _prefix(picture: Picture) -> str:
    """The pods' subnet on this node, as a network has it; a word for it where none does."""
    known = (subnet.prefix for one in _networks_of_pods(picture) for subnet in one.subnets)
    return next(known, "PREFIX")


def _networks_of_pods(picture: Picture) -> Iterator[NetworkView]:
    return (one for one in picture.seen.networks or () if one.type.lower() in _OF_PODS)


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


AREA = Area(_KINDS, (_missing, _files, _programs))
