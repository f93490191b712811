"""The lines of `status`: pure functions over what came, and did not come, of the node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.cli.output import utc
from cni_hns.hcn.gates import FEATURES, in_words, minimum, supported
from cni_hns.survey.surroundings import FULL_BYTES, LITTLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cni_hns.binding.host import Service
    from cni_hns.cli.status.readings import AgentSeen, Answered, Readings
    from cni_hns.cluster.state import State
    from cni_hns.survey.configuration import ConfigurationFile, ConfigurationSeen
    from cni_hns.survey.questions import Outcome

__all__ = ["Line", "lines_of"]

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
_MIB = 1 << 20
_NEARLY = 0.9
_SHOWN = 3

_START = {
    "hns": "Start-Service hns; if it stops again, see the event log Host-Network-Service-Admin",
    "vmcompute": "Start-Service vmcompute; if it stops again, see the event log Hyper-V-Compute-Admin",
}
_AGENT = "cni-hns cluster status"
_NO_AGENT = (
    "Start-Service cni-hns-agent, or kubectl logs of its pod, if it has one. A node that is to have no agent "
    "any more: delete agent-state.json beside the ledger"
)
_INSTALL = "Install-WindowsFeature Containers, and restart the node"
_HANGS = {
    "hns": "Restart-Service hns (pods keep running; then cni-hns doctor)",
    "vmcompute": "look at the event log Hyper-V-Compute-Admin; Restart-Service vmcompute ends containers",
}


class Line(NamedTuple):
    """One line: `state` is "ok", "note", "warning", "ill", or "unknown" where no answer came.

    `next` is what to do about it, a command where there is one. `facts` are for programs.
    """

    id: str
    state: str
    words: str
    next: str = ""
    facts: dict[str, Any] = {}  # noqa: RUF012 - read, never written to


def lines_of(readings: Readings) -> list[Line]:
    """All lines, from the services up to the pods."""
    lines: list[Line] = []
    told: dict[str, str] = {}
    for part in _PARTS:
        lines += [_shortened(line, told) for line in part(readings)]
    return lines


def _shortened(line: Line, told: dict[str, str]) -> Line:
    """One reason for several lines is read once: the others name the line that has it."""
    if line.state in ("ok", "note"):
        return line
    for fault, first in told.items():
        if line.words.endswith(fault):
            return line._replace(words=f"{line.words.removesuffix(fault)}see {first}")
    told[line.words] = line.id
    return line


def _services(readings: Readings) -> Iterator[Line]:
    yield _service("hns", readings.hns_service, readings.hns_answer, readings.clock.value)
    yield _service("vmcompute", readings.hcs_service, readings.hcs_answer, readings.clock.value)


def _service(name: str, service: Outcome[Service], answer: Outcome[Answered], clock: Any) -> Line:
    """What the service manager says, and whether the service answers: either may be missing."""
    found = service.value
    facts: dict[str, Any] = {"service": None, "since": None, "answerMs": None}
    words = service.fault
    if found is not None:
        facts |= {"service": found.state, "pid": found.pid or None}
        words = found.state
        if found.started_s is not None:
            facts["since"] = utc(found.started_s)
            age = f" ({_span(clock.wall_s - found.started_s)})" if clock is not None else ""
            words += f" since {facts['since']}{age}"
    if answer.value is not None:
        facts["answerMs"] = round(answer.value.ms, 3)
        if name == "vmcompute":
            facts["systems"] = answer.value.what
        return Line(name, "ok", f"{words}, answered in {answer.value.ms:.1f} ms", "", facts)
    if found is not None and found.state == "running":
        state = "ill"
        return Line(name, state, f"{words}, but it does not answer: {answer.fault}", _HANGS[name], facts)
    if found is None:
        return Line(name, "ill", answer.fault, "", facts)
    next_step = _INSTALL if found.state == "missing" else _START[name]
    return Line(name, "ill", f"{words}: {answer.fault}", next_step, facts)


def _windows(readings: Readings) -> Iterator[Line]:
    build, answer = readings.windows, readings.hns_answer
    words = f"build {build.value}" if build.value else f"build not known{_because(build.fault)}"
    facts: dict[str, Any] = {"build": build.value, "hns": None, "lacks": []}
    if answer.value is None:
        yield Line("windows", "unknown", f"{words}; HNS did not tell its version", "", facts)
        return
    major, minor = answer.value.what
    lacking = [name for name in FEATURES if not supported(name, major, minor)]
    facts |= {"hns": f"{major}.{minor}", "lacks": lacking}
    without = "; ".join(f"{in_words(one)} ({minimum(one)})" for one in lacking)
    can = f"cannot do: {without}" if without else "can do all that this program knows"
    yield Line("windows", "note" if lacking else "ok", f"{words}, HNS {major}.{minor} {can}", "", facts)


def _runtime(readings: Readings) -> Iterator[Line]:
    seen = readings.runtime.value
    if seen is None:
        yield Line("containerd", "unknown", readings.runtime.fault)
        return
    facts = {"saidBy": seen.said_by, "binDirs": list(seen.bin_dirs), "confDir": seen.conf_dir}
    where = f"plugins in {', '.join(seen.bin_dirs)}, configurations in {seen.conf_dir}"
    if seen.fault:
        yield Line("containerd", "ill", f"{seen.fault}; assumed: {where}", "mend that file", facts)
    else:
        yield Line("containerd", "ok", f"{where} ({seen.said_by})", "", facts)
    yield _configuration(seen)
    yield from _programs(seen)


def _configuration(seen: ConfigurationSeen) -> Line:
    facts = {
        "loaded": [one.path for one in seen.loaded],
        "left": {one.path: one.fault or one.left for one in seen.files if not one.is_loaded},
    }
    bad = next((one for one in seen.files if one.fault and not one.left), None)
    if bad is not None:
        return Line(
            "configuration",
            "ill",
            f"none is loaded, because of {bad.path}: {bad.fault}",
            f'cni-hns config check "{bad.path}"',
            facts,
        )
    others = [one for one in (*seen.files, *seen.elsewhere) if one.is_ours and not one.is_loaded]
    left = _left(others)
    if not seen.loaded:
        why = f"; {left}" if left else f": {seen.unread or seen.conf_dir + ' has none'}"
        words = f"none is loaded{why}"
        return Line("configuration", "ill", words, "cni-hns install --subnet PREFIX writes one", facts)
    loaded = "; ".join(f'{one.path} (network "{one.network}")' for one in seen.loaded)
    is_ours = any(one.is_ours for one in seen.loaded)
    state = "ok" if is_ours and not left else "warning" if left else "note"
    whose = "" if is_ours else ", of another plugin"
    return Line("configuration", state, f"loads {loaded}{whose}{f'; {left}' if left else ''}", "", facts)


def _left(files: list[ConfigurationFile]) -> str:
    """Files that are left for one reason together."""
    by_reason: dict[str, list[str]] = {}
    for one in files:
        by_reason.setdefault(one.left or one.fault, []).append(one.path)
    return "; ".join(f"not {_some(tuple(paths))}: {reason}" for reason, paths in by_reason.items())


def _programs(seen: ConfigurationSeen) -> Iterator[Line]:
    for one in seen.programs:
        facts = {"path": one.path or None, "version": one.version or None, "singleFile": one.is_single}
        if not one.path:
            words = f"{one.name} is in none of {', '.join(seen.bin_dirs)}"
            yield Line("plugin", "ill", words, "cni-hns install, or correct the name", facts)
        elif not one.is_ours:
            yield Line("plugin", "note", f"{one.path}, another program", "", facts)
        elif one.is_single:
            words = f"{one.path} {one.version} is the single file: each call unpacks it, 4 to 11 times slower"
            yield Line("plugin", "warning", words, "cni-hns install lays it out", facts)
        elif one.version != seen.version:
            words = f"{one.path} is version {one.version}; this program is {seen.version}"
            yield Line("plugin", "warning", words, "cni-hns install replaces it", facts)
        else:
            yield Line("plugin", "ok", f"{one.path} {one.version}, as this program", "", facts)


def _networks(readings: Readings) -> Iterator[Line]:
    held = readings.networks.value
    if held is None:
        yield Line("network", "unknown", readings.networks.fault)
        return
    if not held.networks:
        yield Line("network", "note", "HNS has no network")
    for one in held.networks:
        prefixes = ", ".join(each.prefix for each in one.subnets) or "no subnet"
        at = f"the host has {one.management_ip}" if one.management_ip else "the host has no address on it"
        facts = {
            "name": one.name,
            "type": one.type,
            "networkID": one.id,
            "subnets": [each.prefix for each in one.subnets],
            "managementIP": one.management_ip,
        }
        is_lost = bool(one.management_ip) and str(one.management_ip).startswith("169.254.")
        words = f"{one.name}: {one.type}, {prefixes}; {at}"
        yield Line("network", "ill" if is_lost else "ok", words, "cni-hns doctor" if is_lost else "", facts)


def _agent(readings: Readings) -> Iterator[Line]:
    """No line on a node that never had one."""
    seen = readings.agent.value
    if readings.agent.fault:
        yield Line("agent", "unknown", readings.agent.fault)
    elif seen is not None and seen.runs:
        clock = readings.clock.value
        yield _running(seen, clock.wall_s if clock is not None else None)
    elif seen is not None:
        words = (
            f"none runs; the last one, of Node {seen.state.node}, wrote at {utc(seen.state.written)}: "
            "pods keep their network, and nobody follows the cluster"
        )
        yield Line("agent", "ill", words, _NO_AGENT, _facts_of(seen))


def _running(seen: AgentSeen, now_s: float | None) -> Line:
    state, facts = seen.state, _facts_of(seen)
    reasons = [f"{one.name} {one.state}: {one.words}" for one in state.steps if one.state != "done"]
    reasons += [f"the API: {state.api_fault}"] if state.api_fault else []
    if not state.ready:
        first = reasons[0] if reasons else "its steps are not taken yet"
        return Line("agent", "ill", f"not ready: {first}", _AGENT, facts)
    words = f"ready{_routes_in_words(state)}"
    if state.whole_since:
        age = f" ({_span(now_s - state.whole_since)})" if now_s is not None else ""
        words += f", since {utc(state.whole_since)}{age}"
    if reasons:
        return Line("agent", "warning", f"{words}; {reasons[0]}", _AGENT, facts)
    if state.waiting:
        names = _some(tuple(name for name, _ in state.waiting))
        return Line("agent", "note", f"{words}; no way yet to {names}", _AGENT, facts)
    return Line("agent", "ok", words, "", facts)


def _routes_in_words(state: State) -> str:
    """Nothing where it has none to make: with a pool."""
    return f", routes {state.routes_there} of {state.routes_wanted}" if state.step("routes") else ""


def _facts_of(seen: AgentSeen) -> dict[str, Any]:
    state = seen.state
    return {
        "node": state.node,
        "running": seen.runs,
        "ready": seen.runs and state.ready,
        "routes": state.routes_there,
        "of": state.routes_wanted,
        "since": utc(state.whole_since) if state.whole_since else None,
        "written": utc(state.written),
        "api": state.api_fault or None,
        "undone": [one.name for one in state.steps if one.state != "done"],
    }


def _ledger(readings: Readings) -> Iterator[Line]:
    found = readings.ledger.value
    if found is None:
        yield Line("ledger", "unknown", readings.ledger.fault)
        return
    facts = {"path": found.path, "condition": found.what, "bytes": found.size_bytes, "schema": found.schema}
    if found.what == "none":
        yield Line("ledger", "note", f"none yet: {found.path}", "", facts)
    elif found.what in ("sound", "busy"):
        how = "sound" if found.what == "sound" else f"in use: {found.fault}"
        words = f"{found.path}, {found.size_bytes / 1024:.0f} KiB, schema {found.schema}, {how}"
        yield Line("ledger", "ok" if found.what == "sound" else "warning", words, "", facts)
    else:
        yield Line("ledger", "ill", found.fault, "", facts)


def _addresses(readings: Readings) -> Iterator[Line]:
    usages = readings.addresses.value
    if usages is None:
        yield Line("addresses", "unknown", readings.addresses.fault)
        return
    for one in usages:
        facts = {"network": one.network, "ranges": one.ranges, "used": one.used, "of": one.size or None}
        if not one.size:
            yield Line("addresses", "note", f"{one.network}: {one.used} in use; {one.words}", "", facts)
            continue
        words = f"{one.network} {one.ranges}: {one.used} of {one.size} in use"
        full = one.used >= one.size
        state = "ill" if full else "warning" if one.used >= _NEARLY * one.size else "ok"
        yield Line(
            "addresses", state, words, "" if state == "ok" else "cni-hns gc frees what no pod has", facts
        )


def _pods(readings: Readings) -> Iterator[Line]:
    outcome = readings.pods
    if outcome.fault:
        yield Line("pods", "unknown", outcome.fault)
        return
    found = outcome.value
    if found is None:
        yield Line("pods", "ok", "none: no ledger", "", {"alive": 0, "dark": [], "gone": [], "inProgress": 0})
        return
    facts = {
        "alive": found.alive,
        "dark": list(found.dark),
        "gone": list(found.gone),
        "inProgress": found.in_progress,
    }
    words = f"{found.alive} alive"
    if found.in_progress:
        words += f", {found.in_progress} being set up or removed"
    if found.dark:
        words += f"; {len(found.dark)} without their endpoint: {_some(found.dark)}"
    if found.gone:
        words += f"; {len(found.gone)} whose namespace is gone: {_some(found.gone)}"
    state = "ill" if found.dark else "warning" if found.gone else "ok"
    next_step = {"ill": "cni-hns doctor", "warning": "cni-hns gc"}.get(state, "")
    yield Line("pods", state, words, next_step, facts)
    if found.half_done:
        words = f"{len(found.half_done)}: {_some(found.half_done)}"
        yield Line("half-done", "warning", words, "cni-hns gc", {"attachments": list(found.half_done)})
    else:
        yield Line("half-done", "ok", "nothing", "", {"attachments": []})


def _disk(readings: Readings) -> Iterator[Line]:
    found = readings.disk.value
    if found is None:
        yield Line("disk", "unknown", readings.disk.fault)
        return
    facts = {"folder": found.folder, "totalBytes": found.total_bytes, "freeBytes": found.free_bytes}
    words = (
        f"{found.free_bytes / _MIB:.0f} MiB of {found.total_bytes / _MIB:.0f} MiB free below {found.folder}"
    )
    state = "ill" if found.free_bytes < FULL_BYTES else "warning" if found.free_bytes < LITTLE_BYTES else "ok"
    yield Line("disk", state, words, "" if state == "ok" else "free some space", facts)


def _last_error(readings: Readings) -> Iterator[Line]:
    outcome = readings.logged
    if outcome.fault:
        yield Line("last error", "unknown", outcome.fault)
    elif outcome.value is None:
        yield Line("last error", "note", "not known: the configuration names no log (log.file)")
    else:
        found = outcome.value
        facts = {"file": found.file, "time": found.time or None, "message": found.message or None}
        words = f"{found.time} {found.message} ({found.file})" if found.message else f"none in {found.file}"
        yield Line("last error", "note" if found.message else "ok", words, "", facts)


_PARTS: tuple[Callable[[Readings], Iterator[Line]], ...] = (
    _services,
    _windows,
    _runtime,
    _networks,
    _agent,
    _ledger,
    _addresses,
    _pods,
    _disk,
    _last_error,
)


def _because(fault: str) -> str:
    return f": {fault}" if fault else ""


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _span(seconds: float) -> str:
    """As people say it: "3 d 2 h", "2 h 5 min", "40 s"."""
    whole = max(0, int(seconds))
    for unit, length, below, part in (("d", _DAY_S, "h", _HOUR_S), ("h", _HOUR_S, "min", _MINUTE_S)):
        if whole >= length:
            return f"{whole // length} {unit} {whole % length // part} {below}"
    return f"{whole // _MINUTE_S} min" if whole >= _MINUTE_S else f"{whole} s"
