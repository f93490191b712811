"""A bundle: everything that says how a node is, in one zip.

Rule 1: it ends within its time: what HNS, HCS, a file or a program did not say by then is a line in it.
Rule 2: it is bounded: so many objects, so much of each log and of what each command prints.
Rule 3: its own names are this program's. Those of others are inside the files, never names of files.
"""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns import __version__
from cni_hns.deadline import Deadline
from cni_hns.diagnosis import files
from cni_hns.diagnosis.bounded import Outcome, all_within
from cni_hns.diagnosis.clean import masked
from cni_hns.diagnosis.collectors import COLLECTORS, collect, of_ports, words_of
from cni_hns.diagnosis.layout import FORMAT, LEDGER, MANIFEST, OBJECTS, V1, VERSIONS
from cni_hns.diagnosis.page import Contents, FileLine, html_of, text_of
from cni_hns.diagnosis.sources import read_sources, seen_in
from cni_hns.doctor.examine import examine
from cni_hns.doctor.picture import Picture
from cni_hns.hcn.views import EndpointView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cni_hns.cri.views import Sandbox
    from cni_hns.diagnosis.collectors import Collector, Surroundings
    from cni_hns.diagnosis.sources import Sources
    from cni_hns.doctor.finding import Finding
    from cni_hns.node.node import Node
    from cni_hns.survey.seen import Seen

__all__ = ["Bundle", "Wanted", "collect_bundle", "write"]

_FILE_MODE = 0o600

# Of the time that is given: for HNS, HCS and the ledger; what is left after the commands is for the files.
_SHARE_OF_SOURCES = 0.5
_SHARE_OF_COMMANDS = 0.4

_MOST_LOGS = 20

_OTHERS = {
    "portPools": "hns/port-pools.json",
    "endpointStatistics": "hns/endpoint-statistics.json",
    "ledger": LEDGER,
    "ledgerIntegrity": "ledger/integrity.json",
}


class Wanted(NamedTuple):
    """What is asked, and of whom.

    `make_node` gives a node that nobody else uses; `pod_facts` what `pod list` prints of what was seen.
    `collected` is the time, in seconds of the epoch. `containerd` reads where the runtime looks for plugins,
    `configurations` are paths of files besides.
    """

    make_node: Callable[[], Node]
    pod_facts: Callable[[Seen], list[dict[str, Any]]]
    containerd: Callable[[], dict[str, Any]]
    surroundings: Surroundings
    timeout_s: float
    collected: float
    configurations: Sequence[str] = ()
    sandboxes: Callable[[], list[Sandbox]] | None = None
    collectors: Sequence[Collector] = COLLECTORS


class Bundle(NamedTuple):
    """What was collected: the files by their names, and what its first page says."""

    entries: dict[str, str]
    contents: Contents

    @property
    def findings(self) -> Sequence[Finding]:
        return self.contents.findings

    @property
    def missing(self) -> list[FileLine]:
        """What could not be had."""
        return [one for one in self.contents.files if one.reason]


def collect_bundle(wanted: Wanted) -> Bundle:
    """Read everything; ends within `wanted.timeout_s` and a little, whatever hangs."""
    deadline = Deadline(wanted.timeout_s)
    draft = _Draft()
    sources = read_sources(wanted.make_node, wanted.timeout_s * _SHARE_OF_SOURCES, wanted.sandboxes)
    _add_sources(draft, sources)
    limit_s = min(wanted.timeout_s * _SHARE_OF_COMMANDS, deadline.left_s())
    _add_commands(draft, wanted, sources, limit_s)
    _add_files(draft, wanted, max(1.0, deadline.left_s()))
    seen = seen_in(sources, wanted.make_node)
    pods, findings = wanted.pod_facts(seen), examine(Picture.of(seen))
    draft.add_json("pods.json", "the joined picture", Outcome(pods, "", 0.0))
    draft.add_json("doctor.json", "the doctor", Outcome([one._asdict() for one in findings], "", 0.0))
    facts = _facts(sources)
    draft.add_json(VERSIONS, "HNS and Windows", Outcome(_versions(sources), "", 0.0))
    notes = [f"{one.source}: {one.reason}" for one in draft.files if one.reason and not one.optional]
    lines = [FileLine(one.name, one.source, one.reason, one.seconds) for one in draft.files]
    contents = Contents(wanted.collected, facts, findings, pods, notes, lines)
    draft.entries[MANIFEST] = _json(_manifest(contents))
    draft.entries["index.html"] = html_of(contents)
    draft.entries["summary.txt"] = text_of(contents)
    return Bundle(draft.entries, contents)


def write(bundle: Bundle, path: str) -> None:
    """Make the zip, which only its maker can read, under its own name when it is complete.

    Raises: OSError: also where a file of this name is there.
    """
    draft = f"{path}.{os.getpid()}.part"
    first = ("index.html", "summary.txt", MANIFEST)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), _FILE_MODE)
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name in (*first, *sorted(bundle.entries.keys() - set(first))):
                archive.writestr(name, bundle.entries[name].encode("utf-8", "backslashreplace"))
        if os.path.lexists(path):
            raise FileExistsError(17, "a file of this name is there", path)
        os.rename(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


class _File(NamedTuple):
    """A line of the list of files. `optional`: that it is missing is no news."""

    name: str
    source: str
    reason: str
    seconds: float
    optional: bool


class _Draft:
    """The entries so far, and what became of each."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        self.files: list[_File] = []

    def add_json(self, name: str, source: str, outcome: Outcome, *, optional: bool = False) -> None:
        self.add(name, source, outcome, _json(outcome.value), optional=optional)

    def add(self, name: str, source: str, outcome: Outcome, text: str, *, optional: bool = False) -> None:
        self.entries[name] = text
        reason = masked(outcome.reason)
        self.files.append(_File(name, source, reason, outcome.seconds, optional))


def _json(value: object) -> str:
    return json.dumps(value, indent=1, default=str) + "\n"


def _add_sources(draft: _Draft, sources: Sources) -> None:
    for key, name in {**OBJECTS, **V1, **_OTHERS}.items():
        source = _source(key, name)
        draft.add_json(name, source, sources.outcomes[key], optional=key == "portPools")


def _source(key: str, name: str) -> str:
    if name.startswith("ledger"):
        return "the ledger"
    return f"{'HCS' if key == 'systems' else 'HNS'}: {key}"


def _add_commands(draft: _Draft, wanted: Wanted, sources: Sources, limit_s: float) -> None:
    endpoints = sources.documents("endpoints") or []
    ports = of_ports(one for one in endpoints if EndpointView.of(one).is_in_use)
    collectors = [*wanted.collectors, *ports]
    words = {one.name: words_of(one.command) for one in collectors}
    for name, outcome in collect(wanted.surroundings, limit_s, collectors).items():
        text = outcome.value or f"$ {words[name]}\n({outcome.reason})\n"
        draft.add(f"commands/{name}.txt", words[name], outcome, text, optional=True)


def _add_files(draft: _Draft, wanted: Wanted, timeout_s: float) -> None:
    """Each in a thread of its own, too: a file may lie on a disk that hangs."""
    deadline = Deadline(timeout_s)
    places = all_within(deadline.left_s() / 3, {"containerd": wanted.containerd})["containerd"]
    draft.add_json("containerd.json", "containerd's configuration", places, optional=True)
    read = all_within(
        deadline.left_s() / 2, {"read": lambda: files.configurations(_configuration_paths(wanted, places))}
    )["read"]
    found: list[tuple[str, Any]] = read.value or []
    documents = [document for _, document in found]
    shown = [
        {"file": path, **({"reason": one} if isinstance(one, str) else {"document": files.shown(one)})}
        for path, one in found
    ]
    draft.add_json("configurations.json", "configurations", Outcome(shown, read.reason, read.seconds))
    _add_logs_and_reservations(draft, wanted, list(files.plugin_documents(documents)), deadline)


def _configuration_paths(wanted: Wanted, places: Outcome) -> list[str]:
    folder = places.value.get("conf_dir", "") if places.value else ""
    return list(dict.fromkeys([*wanted.configurations, *(files.in_folder(folder) if folder else [])]))


def _add_logs_and_reservations(
    draft: _Draft, wanted: Wanted, plugins: list[dict[str, Any]], deadline: Deadline
) -> None:
    found = all_within(deadline.left_s() / 2, {"logs": lambda: files.log_files(plugins)})["logs"]
    logs = (found.value or [])[:_MOST_LOGS]
    works: dict[str, Callable[[], Any]] = {path: (lambda path=path: files.log_tail(path)) for path in logs}  # type: ignore[misc]
    works |= {"folders": lambda: _reservations(wanted, plugins)}
    outcomes = all_within(deadline.left_s(), works)
    for number, path in enumerate(logs):
        draft.add(f"log/{number}.jsonl", path, outcomes[path], outcomes[path].value or "")
    draft.add_json("reservations.json", "host-local's folders", outcomes["folders"], optional=True)


def _reservations(wanted: Wanted, plugins: list[dict[str, Any]]) -> dict[str, Any]:
    node = wanted.make_node()
    try:
        default = node.machine.host_local_folder()
    finally:
        node.close()
    folders = [one for one in files.reservation_folders(plugins, default) if os.path.isdir(one)]
    return {one: files.reservations(one) for one in folders}


def _versions(sources: Sources) -> dict[str, Any]:
    return {
        "program": __version__,
        "hns": sources.documents("hnsVersion"),
        "windowsBuild": sources.documents("windowsBuild"),
    }


def _facts(sources: Sources) -> dict[str, str]:
    hns, build = sources.outcomes["hnsVersion"], sources.outcomes["windowsBuild"]
    integrity = sources.outcomes["ledgerIntegrity"]
    return {
        "cni-hns": __version__,
        "HNS": ".".join(map(str, hns.value)) if hns.value else f"not known: {masked(hns.reason)}",
        "Windows build": str(build.value) if build.value else "not known",
        "ledger": str(integrity.value) if integrity.answered else masked(integrity.reason),
    }


def _manifest(contents: Contents) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "program": "cni-hns",
        "version": __version__,
        "collected": contents.collected,
        "files": [one._asdict() for one in contents.files],
    }
