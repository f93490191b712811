"""Compute systems that nobody knows any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.survey.containers import is_container_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture
    from cni_hns.hcs.documents.properties import Properties

__all__ = ["AREA"]

# The owner of what containerd's shim makes. Docker, WSL and Windows itself write other names.
_SHIM = "containerd-shim-runhcs-v1"
_MACHINE = "@vm"

_KINDS: dict[str, Kind] = {
    "system-leaked": Kind(
        "warning",
        "no pod uses it; it holds memory, and files of its image that cannot be deleted",
        "`cni-hns container show {container}`; if nobody wants it: `cni-hns container kill {container}`",
    ),
}


def _leaked(picture: Picture) -> Iterator[Seen]:
    """containerd's, without namespace, endpoint and row, and unknown to the runtime, which was asked."""
    seen, lookup = picture.seen, picture.lookup
    if seen.systems is None or seen.sandboxes is None or seen.namespaces is None or seen.endpoints is None:
        return
    used = {one.id for pod in picture.pods for one in pod.containers}
    known = {one.id for told in seen.sandboxes for one in told.containers} | set(lookup.told)
    for one in seen.systems:
        bare = one.id.removesuffix(_MACHINE)
        if _is_of_a_shim(one, bare) and one.id not in used and bare not in known:
            if lookup.rows_of.get(bare) or lookup.endpoints_of.get(bare) or picture.hns_is_starting:
                continue
            words = (
                f"{one.state.lower()}, made by {one.owner}; in no namespace, without an endpoint, and the "
                "runtime knows neither a sandbox nor a container of this id"
            )
            yield Seen("system-leaked", f"compute system {one.id}", words, names={"container": one.id})


def _is_of_a_shim(one: Properties, bare: str) -> bool:
    """A person's own `ctr run` has a name that a person chose."""
    return one.owner.lower().startswith(_SHIM) and is_container_id(bare)


AREA = Area(_KINDS, (_leaked,))
