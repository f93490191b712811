"""What stands against the deletion of an HNS object: the pods that use it, and the program that made it.

Rule: HNS and the ledger are both asked, and one that does not answer stands against it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from cni_hns.binding.reading import member
from cni_hns.cli.failure import Failure
from cni_hns.cli.output import print_object, print_paragraph
from cni_hns.hcn.views import REMOTE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cni_hns.hcn.views import EndpointView, NamespaceView
    from cni_hns.ledger import AttachmentRow
    from cni_hns.survey.pod import Pod
    from cni_hns.survey.seen import Seen

__all__ = ["Guard", "deletion_options", "may_delete"]

_Command = TypeVar("_Command", bound="Callable[..., Any]")

# As this program calls itself in what it makes.
_OURS = "cni-hns"
_HOSTS_OWN = "hostdefault"


def deletion_options(command: _Command) -> _Command:
    """`--force` and `--dry-run`."""
    by_force = click.option("--force", is_flag=True, help="Also what pods use, or another program made.")
    dry = click.option("--dry-run", is_flag=True, help="Only say what would go, and what stands against it.")
    return by_force(dry(command))


def may_delete(
    kind: str, facts: dict[str, Any], against: list[str], *, force: bool, dry_run: bool, as_json: bool
) -> bool:
    """Whether to go on: False after a dry run, which has said what would be done.

    Raises:
        Failure: something stands against it, and nobody forces it.
    """
    named = f'{kind} "{facts["name"]}" ({facts["id"]})' if facts.get("name") else f"{kind} {facts['id']}"
    if dry_run and as_json:
        print_object({**facts, "deleted": False, "inUse": against}, as_json)
    elif dry_run:
        print_paragraph(
            "", f"would delete {named}{', which needs --force' if against else ': nothing uses it'}"
        )
        for one in against:
            print_paragraph("    ", one)
    elif against and not force:
        words = "; ".join(against)
        raise Failure(f"{named} was not deleted: {words}. End the pods first, or repeat with --force")
    return not dry_run


class Guard(NamedTuple):
    """What one look at HNS and the ledger tells of the uses of an object."""

    seen: Seen
    pods: list[Pod]

    @classmethod
    def of(cls, seen: Seen) -> Guard:
        from cni_hns.survey.joining import pods_of

        return cls(seen, pods_of(seen))

    def network(self, identifier: str, document: dict[str, Any]) -> list[str]:
        """Its endpoints and whose they are, and who made it where that is another program."""
        there = [one for one in self.seen.endpoints or () if one.network == identifier]
        known = {one.id for one in there}
        rows = [one for one in self._alive() if one.hcn_network_id == identifier]
        return [
            *self._blindness(),
            *_of_another(member(document, "Owner")),
            *map(self._endpoint_words, there),
            *(_row_words(one) for one in rows if one.endpoint_id not in known),
        ]

    def endpoint(self, view: EndpointView) -> list[str]:
        """The namespace or the containers that it is in, and the attachment that the ledger has of it."""
        place = [f"it is in namespace {view.namespace}{self._of_pod(view)}"] if view.namespace else []
        inside = [f"it is in container {one}" for one in view.containers if not view.namespace]
        rows = [one for one in self._alive() if one.endpoint_id == view.id and self._has_its_place(one)]
        return [*self._blindness(), *place, *inside, *map(_row_words, rows)]

    def namespace(self, view: NamespaceView) -> list[str]:
        """The endpoints and containers in it, and the attachments that the ledger has in it."""
        there = [
            one for one in self.seen.endpoints or () if one.namespace == view.id or one.id in view.endpoints
        ]
        return [
            *self._blindness(),
            *(["it is the host's own"] if view.type.lower() == _HOSTS_OWN else []),
            *(f"container {one} is in it" for one in view.containers),
            *map(self._endpoint_words, there),
            *(_row_words(one) for one in self._alive() if one.namespace_id == view.id),
        ]

    def _blindness(self) -> list[str]:
        """Who did not answer: what it would have said nobody knows."""
        return [f"it is not known who uses it: {one}" for one in self.seen.notes]

    def _alive(self) -> Iterable[AttachmentRow]:
        return [one for one in self.seen.rows or () if one.phase in ("adding", "ready")]

    def _has_its_place(self, row: AttachmentRow) -> bool:
        """A pod whose namespace is gone is gone; of a container's HNS keeps no such record."""
        rooms = {one.id for one in self.seen.namespaces or ()}
        return row.namespace_id is None or row.namespace_id in rooms

    def _endpoint_words(self, view: EndpointView) -> str:
        kind = "remote endpoint" if view.flags & REMOTE else "endpoint"
        addresses = ", ".join(view.address_texts) or "no address"
        return f"{kind} {view.id} ({addresses}){self._of_pod(view) or ' of no known pod'}"

    def _of_pod(self, view: EndpointView) -> str:
        found = next((one for one in self.pods if view.id in {each.id for each in one.endpoints}), None)
        if found is None:
            return ""
        name = found.kubernetes.full_name or found.id
        return f" of pod {name}" if name else ""


def _of_another(owner: object) -> list[str]:
    if owner == _OURS:
        return []
    return [f'another program made it: "{owner}"' if owner else "another program made it: HNS names no owner"]


def _row_words(row: AttachmentRow) -> str:
    return f"the ledger has it for {row.words()}, {row.phase}"
