"""A ledger made again from what HNS has, after its file was damaged or lost.

Rule 1: HNS is read first; while it does not answer, nothing is moved and nothing is written.
Rule 2: the damaged file is kept under another name, never deleted.
Rule 3: only endpoints that are ours by ID become rows; a peer's are found by name when they are deleted.

What HNS does not know is lost: requests (any repeated ADD is then answered with what is there), Kubernetes'
names of the pods (a repeated ADD brings its own back), plans and recently released addresses.
"""

from __future__ import annotations

import os
import time

from cni_hns.attachment import endpoints, places
from cni_hns.attachment.addresses import hold_what_hns_gave
from cni_hns.attachment.outcome import result_of, to_stored
from cni_hns.hcn.views import EndpointView
from cni_hns.identity import attachment_of
from cni_hns.ledger import AttachmentKey, LedgerFault, open_ledger
from cni_hns.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cni_hns.ledger import Ledger
    from cni_hns.node.node import Node

__all__ = ["Rebuilt", "rebuild"]

# SQLite keeps these beside the file; with another file of that name they would be taken for its own.
_SUFFIXES = ("", "-wal", "-shm")


class Rebuilt(NamedTuple):
    """The attachments that were found, and where the old file lies now (None if there was none)."""

    attachments: list[AttachmentKey]
    old_file: str | None


def rebuild(node: Node, path: str, *, force: bool = False) -> Rebuilt:
    """Make the ledger at `path` anew from the endpoints of this node.

    Raises:
        ServiceError: HNS could not be read; nothing was changed.
        LedgerFault: the ledger there is sound (`force` replaces it all the same), or cannot be moved away.
    """
    if not force:
        _refuse_a_sound_ledger(path, node)
    found = _endpoints(node)
    old_file = _set_aside(path)
    ledger = open_ledger(path, node.deadline, boot_id=node.machine.boot_id)
    try:
        for key, view in found:
            _write(ledger, node, key, view)
    finally:
        ledger.close()
    return Rebuilt([key for key, _ in found], old_file)


def _refuse_a_sound_ledger(path: str, node: Node) -> None:
    try:
        ledger = open_ledger(path, node.deadline, create=False)
        if ledger is None:
            return
        try:
            ledger.verify()
        finally:
            ledger.close()
    except LedgerFault:
        return
    raise LedgerFault(path, "is sound", "there is nothing to rebuild; --force makes it anew all the same")


def _endpoints(node: Node) -> list[tuple[AttachmentKey, EndpointView]]:
    views = [endpoints.look_at(node, endpoint_id) for endpoint_id in node.hcn.endpoints.ids()]
    found = [(attachment_of(view.id, view.name), view) for view in views if view is not None]
    return [(AttachmentKey(*ours), view) for ours, view in found if ours is not None]


def _set_aside(path: str) -> str | None:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    aside = f"{path}.damaged-{stamp}"
    moved = None
    for suffix in _SUFFIXES:
        try:
            os.replace(path + suffix, aside + suffix)
        except FileNotFoundError:
            continue
        except OSError as fault:
            raise LedgerFault(
                path,
                f"cannot be moved away: {fault.strerror}",
                "wait until no cni-hns process runs, and repeat",
            ) from fault
        moved = aside
    return moved


def _write(ledger: Ledger, node: Node, key: AttachmentKey, view: EndpointView) -> None:
    place = places.of_view(view, key.container_id)
    namespace_id = place.namespace_id if place is not None else None
    v1_netns = place.v1_netns if place is not None else None
    result = result_of(view, key.ifname, v1_netns or namespace_id or "")
    with ledger.transaction():
        ledger.claim(
            key,
            "adding",
            fingerprint=None,
            namespace_id=namespace_id,
            v1_netns=v1_netns,
            owner=node.owner,
            token=node.token,
            deadline_at=ledger.now() + node.deadline.left_s(),
            alive=node.alive,
        )
        ledger.record(key, node.token, endpoint_id=view.id, hcn_network_id=view.network)
        hold_what_hns_gave(ledger, key, view)
        ledger.make_ready(key, node.token, to_stored(result))
