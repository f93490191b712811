"""What must be true at the end of a case: what belongs is there, and nothing more.

One place knows what may stay for a while (`Belonging`): a tombstone, and the address that it sets aside,
where HNS may still be creating; an address that HNS refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cni_hns.ledger import AttachmentRow, Lease
from tests.harness import SimulatedNode
from tests.matrix.node import Pod

__all__ = [
    "CODES",
    "IPAM_FAILED",
    "UNREADABLE",
    "Belonging",
    "Snapshot",
    "answer_faults",
    "changed",
    "is_whole",
    "keeps_an_id",
    "left_over",
    "missing",
    "snapshot",
    "unlike",
]

_FOREIGN_OWNER = "kube-proxy"

# go-cni takes a DEL that fails with these words for one that succeeded.
_WORDS_OF_SUCCESS = ("not found", "no such file or directory")

# What an IPAM plugin answered cannot be read; it failed without a code.
UNREADABLE, IPAM_FAILED = 6, 107

_COMMON = {5, 11, 100, 102, 103}
# The codes that a verb may answer with when something goes wrong that no caller caused.
CODES: dict[str, set[int]] = {
    "ADD": _COMMON | {101},
    "DEL": _COMMON | {105},
    "CHECK": _COMMON | {104},
    "GC": _COMMON | {105},
    "STATUS": {5, 50, 51, 103},
}


class Snapshot(NamedTuple):
    """The node, as far as pods are concerned."""

    endpoints: dict[str, dict[str, Any]]
    namespaces: dict[str, set[str]]
    rows: dict[tuple[str, str, str], AttachmentRow]
    leases: list[Lease]
    files: dict[str, str]
    networks: list[str]

    def leases_of(self, key: tuple[str, str, str]) -> list[tuple[str, str]]:
        """(address, state) of each address that the attachment has."""
        return sorted((lease.address, lease.state) for lease in self.leases if tuple(lease.key) == key)

    def has_files(self, pods: list[Pod]) -> bool:
        """Whether pods have reservation files in this scene."""
        return any(self.files_of(pod) for pod in pods)

    def files_of(self, pod: Pod) -> dict[str, str]:
        return {name: text for name, text in self.files.items() if text.startswith(pod.container)}


def snapshot(node: SimulatedNode, reservations: Path | None) -> Snapshot:
    """The node as it is."""
    dump = node.simulator.dump()
    return Snapshot(
        endpoints={one["ID"].lower(): one for one in dump["endpoints"]},
        namespaces={
            one["ID"].lower(): {entry["Data"].get("Id", "").lower() for entry in one["Resources"]}
            for one in dump["namespaces"]
        },
        rows={(*row.key,): row for row in node.rows()},
        leases=node.leases(all_of_them=True),
        files={} if reservations is None else _texts(reservations),
        networks=[one["Name"] for one in dump["networks"]],
    )


def _texts(folder: Path) -> dict[str, str]:
    """Each reservation with its owner on one line; what host-local itself keeps beside them left out."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return {
        file.name: " ".join(file.read_text().split())
        for file in files
        if file.name != "lock" and not file.name.startswith("last_reserved_ip.")
    }


def addresses(endpoint: dict[str, Any]) -> set[str]:
    return {one["IpAddress"] for one in endpoint.get("IpConfigurations", [])}


def is_whole(pod: Pod, now: Snapshot, with_files: bool) -> bool:
    """Whether the attachment has all that an ADD that succeeded promises."""
    return not list(missing(pod, now, with_files))


def missing(pod: Pod, now: Snapshot, with_files: bool) -> Iterator[str]:
    """What a pod that was added should have and has not."""
    row, endpoint = now.rows.get(pod.key), now.endpoints.get(pod.endpoint)
    if row is None or row.phase != "ready":
        yield f"its row is {row.phase if row else 'missing'}"
    if endpoint is None:
        yield "its endpoint is missing"
        return
    yield from _misplaced(pod, endpoint, now)
    held = {address for address, state in now.leases_of(pod.key) if state == "held"}
    if held and held != addresses(endpoint):
        yield f"it holds {sorted(held)}, its endpoint has {sorted(addresses(endpoint))}"
    files = {name.replace("_", ":") for name in now.files_of(pod)}
    if with_files and files != addresses(endpoint):
        yield f"{sorted(files)} is reserved for it, its endpoint has {sorted(addresses(endpoint))}"
    if row is not None and row.result:
        given = {one["address"].partition("/")[0] for one in json.loads(row.result).get("ips", [])}
        if given != addresses(endpoint):
            yield f"it was told {sorted(given)}, its endpoint has {sorted(addresses(endpoint))}"


def _misplaced(pod: Pod, endpoint: dict[str, Any], now: Snapshot) -> Iterator[str]:
    if pod.is_of_hns_v1:
        if endpoint["Health"]["Extra"]["SharedContainers"] != [pod.container]:
            yield "its endpoint is not in its container alone"
        return
    if endpoint.get("HostComputeNamespace", "").lower() != pod.namespace.lower():
        yield "its endpoint is not in its namespace"
    if now.namespaces.get(pod.namespace.lower()) != {pod.endpoint}:
        yield "its namespace does not have its endpoint alone"


def answer_faults(verb: str, stdout: str, exit_code: int | None, foreign_codes: set[int]) -> Iterator[str]:
    """What is wrong with an answer that is not a killed process's; `foreign_codes` are an IPAM plugin's."""
    if exit_code is None:
        yield "it hangs"
        return
    try:
        document = json.loads(stdout) if stdout else None
    except ValueError:
        yield "it does not answer with one document"
        return
    if exit_code == 0:
        if (document is not None) != (verb == "ADD") or (document or {}).get("code"):
            yield f"it answers 0 with {stdout[:80]!r}"
    elif exit_code != 1 or document is None:
        yield f"it ends with {exit_code} and {stdout[:80]!r}"
    elif document.get("code") not in CODES[verb] | foreign_codes:
        yield f"it answers code {document.get('code')}"
    elif verb == "DEL" and any(words in stdout.lower() for words in _WORDS_OF_SUCCESS):
        yield "its error reads like a success"


class Belonging(NamedTuple):
    """What may be there at the end.

    `spared` are endpoints that may be there or not. `tombstone`: the subject may have one. `refused`: HNS
    refused an address, which may be set aside.
    """

    pods: list[Pod]
    subject: Pod
    spared: set[str]
    tombstone: bool
    refused: bool

    @property
    def keys(self) -> set[tuple[str, str, str]]:
        return {pod.key for pod in self.pods}

    def has_lease(self, lease: Lease) -> bool:
        """Whether the lease may be there."""
        key = (*lease.key,)
        return (
            key in self.keys
            or lease.container_id == _FOREIGN_OWNER
            or (lease.state == "entombed" and self.tombstone and key == self.subject.key)
            or (lease.state == "quarantined" and self.refused)
        )

    def has_set_aside(self, name: str, text: str, now: Snapshot) -> bool:
        """Whether the file stands for an address that a tombstone has: peers are not to take it either."""
        address = name.replace("_", ":")
        entombed = [one for one in now.leases if one.state == "entombed" and one.address == address]
        return all(text in {"", f"{one.container_id} {one.ifname}"} for one in entombed) and bool(entombed)

    def has_row(self, row: AttachmentRow) -> bool:
        """Whether the row may be there."""
        key = (*row.key,)
        if keeps_an_id(row):
            return key not in self.keys
        if row.phase != "tombstone" or key != self.subject.key:
            return key in self.keys
        return self.tombstone


def keeps_an_id(row: AttachmentRow) -> bool:
    """A tombstone without an address: the endpoint's ID is not used again while HNS may still be at it."""
    return row.phase == "tombstone" and row.result is not None


def left_over(before: Snapshot, now: Snapshot, belonging: Belonging) -> Iterator[str]:
    """What is there more than belongs, or less."""
    yield from (f"a row that is {row.phase}" for row in now.rows.values() if not belonging.has_row(row))
    yield from (f"a lease that is {one.state}" for one in now.leases if not belonging.has_lease(one))
    yield from _endpoints_left(before, now, belonging)
    for entries in now.namespaces.values():
        if not entries <= now.endpoints.keys():
            yield "a namespace entry without an endpoint"
    for name, text in before.files.items():
        if text.startswith(_FOREIGN_OWNER) and now.files.get(name) != text:
            yield "another program's reservation is gone"
    owners = {pod.container for pod in belonging.pods} | {_FOREIGN_OWNER}
    for name, text in now.files.items():
        if text.partition(" ")[0] not in owners and not belonging.has_set_aside(name, text, now):
            yield "a reservation file" if text else "an empty reservation file"
    if len(set(now.networks)) != len(now.networks):
        yield "two networks of one name"


def _endpoints_left(before: Snapshot, now: Snapshot, belonging: Belonging) -> Iterator[str]:
    deleted = {belonging.subject.endpoint} - {pod.endpoint for pod in belonging.pods}
    wanted = {pod.endpoint for pod in belonging.pods} | belonging.spared | deleted
    if now.endpoints.keys() & deleted:
        yield "the endpoint of a pod that is deleted"
    for guid in now.endpoints.keys() - before.endpoints.keys() - wanted:
        yield f"endpoint {now.endpoints[guid].get('Name', '')[:9]} more than belongs"
    for guid in before.endpoints.keys() - now.endpoints.keys() - belonging.spared - deleted:
        yield f"endpoint {before.endpoints[guid].get('Name', '')[:9]} is gone"


def changed(before: Snapshot, now: Snapshot) -> Iterator[str]:
    """What a verb that only looks has changed."""
    for what, was, is_now in (
        ("endpoints", before.endpoints, now.endpoints),
        ("namespaces", before.namespaces, now.namespaces),
        ("rows", _phases(before), _phases(now)),
        ("leases", sorted(map(str, before.leases)), sorted(map(str, now.leases))),
        ("files", before.files, now.files),
    ):
        if was != is_now:
            yield f"it changed {what}"


def _phases(now: Snapshot) -> dict[tuple[str, str, str], str]:
    return {key: row.phase for key, row in now.rows.items()}


def unlike(before: Snapshot, now: Snapshot, pod: Pod) -> Iterator[str]:
    """How another pod differs from what it was."""
    for what, was, is_now in (
        ("endpoint", before.endpoints.get(pod.endpoint), now.endpoints.get(pod.endpoint)),
        ("namespace entry", before.namespaces.get(pod.namespace), now.namespaces.get(pod.namespace)),
        ("leases", before.leases_of(pod.key), now.leases_of(pod.key)),
        ("files", before.files_of(pod), now.files_of(pod)),
    ):
        if was != is_now:
            yield f"another pod's {what} changed"
    row = now.rows.get(pod.key)
    if row is None or row.phase != "ready" or row.result != before.rows[pod.key].result:
        yield "another pod's row changed"
