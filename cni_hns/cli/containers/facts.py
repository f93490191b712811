"""What `cni-hns container` prints of a compute system.

An id of a runtime has 64 characters and is not cut: where a table of them has no room, a system is a block
of lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.containers.surroundings import counters
from cni_hns.cli.cri import pod_facts
from cni_hns.cli.output import print_object, print_paragraph

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cni_hns.cli.containers.surroundings import Place
    from cni_hns.cli.session import Session
    from cni_hns.hcs.documents.properties import ProcessDetails, Properties, Statistics
    from cni_hns.hcs.usage import Usage

__all__ = [
    "counted",
    "facts_of",
    "lines_of",
    "print_blocks",
    "print_done",
    "process_facts",
    "statistics_facts",
    "uptime_words",
    "usage_lines",
]

_100NS = 10_000_000
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_KIBI = 1024


def facts_of(found: Properties, place: Place, statistics: Statistics | None) -> dict[str, Any]:
    """What is known of a system, for JSON and for people."""
    from cni_hns.hcs.isolation import isolation_of

    return {
        "id": found.id,
        "isolation": str(isolation_of(found)),
        "state": str(found.state),
        "owner": found.owner,
        "pod": place.pod,
        **pod_facts(place.kubernetes),
        "namespace": place.namespace,
        "addresses": place.addresses,
        "uptimeSeconds": None if statistics is None else statistics.uptime_100ns // _100NS,
    }


def lines_of(facts: Mapping[str, Any]) -> list[str]:
    """A system in the list: how it is, whose, and where in the network."""
    uptime = uptime_words(facts["uptimeSeconds"])
    first = [facts["isolation"], facts["state"], f"up {uptime}" if uptime else ""]
    pod = _pod_words(facts)
    network = [f"namespace {facts['namespace']}" if facts["namespace"] else "", ", ".join(facts["addresses"])]
    lines = [
        ", ".join(one for one in first if one),
        f"owner {facts['owner']}" if facts["owner"] else "",
        pod,
        ": ".join(one for one in network if one),
    ]
    return [one for one in lines if one]


def _pod_words(facts: Mapping[str, Any]) -> str:
    name = f" {facts['podName']}" if facts["podName"] else ""
    if facts["pod"] == facts["id"]:
        return f"the sandbox of pod{name}" if name else "the pod's sandbox"
    return f"pod{name} {facts['pod']}" if facts["pod"] else ""


def uptime_words(seconds: int | None) -> str:
    """For how long it has run; nothing of one that does not run."""
    return "" if seconds is None else _duration(seconds)


def statistics_facts(statistics: Statistics | None) -> dict[str, Any]:
    """What it used since its start."""
    if statistics is None:
        return {}
    from cni_hns.hcs.usage import usage

    processor = statistics.processor
    return {
        "cpuSeconds": 0.0 if processor is None else processor.total_runtime_100ns / _100NS,
        **_bytes_of(usage(None, statistics)),
    }


def process_facts(process: ProcessDetails) -> dict[str, Any]:
    """One process of a container."""
    return {
        "pid": process.process_id,
        "image": process.image_name,
        "created": process.create_timestamp,
        "user": f"{process.user_time_100ns / _100NS:.2f} s",
        "kernel": f"{process.kernel_time_100ns / _100NS:.2f} s",
        "memory": _bytes(process.memory_working_set_private_bytes),
        "userSeconds": process.user_time_100ns / _100NS,
        "kernelSeconds": process.kernel_time_100ns / _100NS,
        "commitBytes": process.memory_commit_bytes,
        "privateBytes": process.memory_working_set_private_bytes,
        "sharedBytes": process.memory_working_set_shared_bytes,
    }


def counted(
    session: Session, system_id: str, place: Place, before: Statistics | None, now: Statistics
) -> dict[str, Any]:
    """What a container uses now, and what its endpoints counted; None where nobody counts."""
    from cni_hns.hcs.usage import usage

    used = usage(before, now)
    traffic = counters(session, place)
    return {
        "id": system_id,
        "cpuPercent": used.cpu_percent,
        **_bytes_of(used),
        "bytesReceived": None if traffic is None else traffic.bytes_received,
        "bytesSent": None if traffic is None else traffic.bytes_sent,
        "packetsDropped": None if traffic is None else traffic.dropped_incoming + traffic.dropped_outgoing,
    }


def _bytes_of(used: Usage) -> dict[str, int]:
    return {
        "memoryCommitBytes": used.memory_commit,
        "memoryPrivateBytes": used.memory_private,
        "readBytes": used.read,
        "writtenBytes": used.written,
    }


def usage_lines(facts: Mapping[str, Any]) -> list[str]:
    """A container's use."""
    cpu = "cpu ?" if facts["cpuPercent"] is None else f"cpu {facts['cpuPercent']:.1f} %"
    lines = [
        f"{cpu}, memory {_bytes(facts['memoryCommitBytes'])} ({_bytes(facts['memoryPrivateBytes'])} private)",
        f"storage: {_bytes(facts['readBytes'])} read, {_bytes(facts['writtenBytes'])} written",
    ]
    if facts["bytesReceived"] is not None:
        received, sent = _bytes(facts["bytesReceived"]), _bytes(facts["bytesSent"])
        lines.append(f"network: {received} received, {sent} sent, {facts['packetsDropped']} packets dropped")
    return lines


def print_blocks(
    rows: Sequence[Mapping[str, Any]], lines: Callable[[Mapping[str, Any]], list[str]], if_empty: str
) -> None:
    """Each system's id on a line of its own, its lines below it."""
    for row in rows:
        click.echo(row["id"])
        for line in lines(row):
            print_paragraph("    ", line)
    if not rows:
        click.echo(if_empty)


def print_done(system_id: str, outcome: str, as_json: bool, **more: str) -> None:
    """What became of a system, in a sentence or as an object."""
    if as_json:
        print_object({"id": system_id, "outcome": outcome, **more}, as_json)
    else:
        print_paragraph("", f"compute system {system_id}: {outcome}")


def _duration(seconds: int) -> str:
    """ "3 d 4 h", "4 h 12 min", "12 min 5 s", "5 s"."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next((place for place, (number, _) in enumerate(parts) if number), len(parts) - 1)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2])


def _bytes(number: int) -> str:
    """With the largest unit that leaves at least one: "1.5 GiB"."""
    size, unit = float(number), 0
    while size >= _KIBI and unit < len(_UNITS) - 1:
        size, unit = size / _KIBI, unit + 1
    return f"{number} B" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"
