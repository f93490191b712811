"""For each check a plugin that is wrong in one thing, so that this check alone finds it.

`before` sees a call first and may answer in the plugin's place; `after` may change what it answered.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cni_hns.conformance import Call, Outcome
from tests.unit.conformance.reference import VALID, Document, Reference, key_of, read, refusal, success

__all__ = ["MUTATIONS", "Mutant", "Mutation"]

Before = Callable[["Mutant", Call, Document], Outcome | None]
After = Callable[["Mutant", Call, Document, Outcome], Outcome]

UNKNOWN = "org.example.conformance"


@dataclass(frozen=True)
class Mutation:
    """What is wrong, and which check finds it."""

    check: str
    before: Before | None = None
    after: After | None = None
    kind: str = "interface"
    prepare: Callable[[Mutant], object] | None = None
    only_then: bool = False
    """Wrong only while its check runs: what every other check needs too cannot be wrong for one alone."""


class Mutant(Reference):
    """The reference plugin with one mutation."""

    def __init__(self, mutation: Mutation) -> None:
        super().__init__(mutation.kind)
        self.running = ""
        """The check that runs now."""
        self._mutation = mutation
        if mutation.prepare:
            mutation.prepare(self)

    def answer(self, call: Call) -> Outcome:
        mutation, request = self._mutation, read(call)
        if mutation.only_then and self.running != mutation.check:
            return super().answer(call)
        outcome = mutation.before(self, call, request) if mutation.before else None
        if outcome is None:
            outcome = super().answer(call)
        return mutation.after(self, call, request, outcome) if mutation.after else outcome

    @property
    def held_by_main(self) -> int:
        return sum(not one["worker"] for one in self.held.values())

    @property
    def main_made_and_namespace_there(self) -> bool:
        return any(not worker and netns in self.namespaces for _, netns, worker in self.made)


def in_worker() -> bool:
    return threading.current_thread() is not threading.main_thread()


Condition = Callable[[Mutant, Call, Document], Any]
Edit = Callable[[Document], object]


def accepts(check: str, condition: Condition, **more: Any) -> Mutation:
    """Succeeds where the condition holds, and does nothing."""
    return Mutation(
        check,
        before=lambda plugin, call, request: (
            success(call, {} if call.command == "ADD" else None) if condition(plugin, call, request) else None
        ),
        **more,
    )


def refuses(check: str, condition: Condition, code: int = 7, **more: Any) -> Mutation:
    """Fails where the condition holds, and does nothing."""
    return Mutation(
        check,
        before=lambda plugin, call, request: (
            refusal(call, code, "refused") if condition(plugin, call, request) else None
        ),
        **more,
    )


def does(check: str, action: Callable[[Mutant, Call, Document], object], **more: Any) -> Mutation:
    """Does something first, and goes on."""

    def before(plugin: Mutant, call: Call, request: Document) -> None:
        action(plugin, call, request)

    return Mutation(check, before=before, **more)


def answers(check: str, condition: Condition, edit: Edit, **more: Any) -> Mutation:
    """Answers with another document where the condition holds."""

    def after(plugin: Mutant, call: Call, request: Document, outcome: Outcome) -> Outcome:
        if outcome.document is None or not condition(plugin, call, request):
            return outcome
        document = json.loads(outcome.stdout)
        edit(document)
        return replace(outcome, stdout=json.dumps(document).encode())

    return Mutation(check, after=after, **more)


def prints(check: str, condition: Condition, change: Callable[[bytes], bytes], **more: Any) -> Mutation:
    """Prints something else where the condition holds."""

    def after(plugin: Mutant, call: Call, request: Document, outcome: Outcome) -> Outcome:
        fits = condition(plugin, call, request)
        return replace(outcome, stdout=change(outcome.stdout)) if fits else outcome

    return Mutation(check, after=after, **more)


def command(name: str) -> Condition:
    return lambda plugin, call, request: call.command == name


def asked(name: str, version: str) -> Condition:
    return lambda plugin, call, request: call.command == name and request.get("cniVersion") == version


def plain_result(plugin: Mutant, call: Call, request: Document) -> bool:
    """A good ADD of 1.1.0, which is no part of a chain."""
    return call.command == "ADD" and request.get("cniVersion") == "1.1.0" and "prevResult" not in request


def wrong_version_type(plugin: Mutant, call: Call, request: Document) -> bool:
    return request.get("cniVersion") == 7


def lacks(name: str, *others: str) -> Callable[[Call], bool]:
    """The variable is missing and the others are there."""
    return lambda call: not call.variables.get(name) and all(call.variables.get(other) for other in others)


def has(call: Call, *, ifname: str | None = None, container: str | None = None) -> bool:
    wanted = {"CNI_IFNAME": ifname, "CNI_CONTAINERID": container}
    return all(call.variables.get(name) == value for name, value in wanted.items() if value is not None)


def put(key: str, value: object) -> Edit:
    return lambda document: document.update({key: value})


def put_into(key: str, **members: object) -> Edit:
    """Into the last object of a list, which is the plugin's own; an error document has none."""
    return lambda document: document.get(key, [{}])[-1].update(members)


def drop(key: str) -> Edit:
    return lambda document: document.pop(key, None)


def _held(plugin: Mutant, call: Call, request: Document) -> bool:
    return key_of(call, request) in plugin.held


def _accept_odd_ifname(plugin: Mutant, call: Call, request: Document) -> Outcome | None:
    if call.command != "ADD" or not has(call, ifname="with space"):
        return None
    return success(call, {"cniVersion": "1.1.0", "interfaces": [{"name": "eth0"}]})


def _another_address(plugin: Mutant, call: Call, request: Document) -> Outcome | None:
    if call.command != "ADD" or not _held(plugin, call, request):
        return None
    other = {"cniVersion": "1.1.0", "ips": [{"address": "10.7.255.254/16"}]}
    return success(call, other)


def _drop_on_repeat(plugin: Mutant, call: Call, request: Document) -> None:
    if call.command == "ADD" and _held(plugin, call, request):
        # The former address is given away, and the call fails all the same.
        plugin.held[key_of(call, request)] = {"netns": "", "address": "gone", "worker": False}


def _forget_all(plugin: Mutant, call: Call, request: Document) -> None:
    if call.command == "DEL" and _held(plugin, call, request):
        plugin.held.clear()


def _forget_container(plugin: Mutant, call: Call, request: Document) -> None:
    if call.command == "DEL":
        for key in [key for key in plugin.held if key[1] == call.variables.get("CNI_CONTAINERID")]:
            del plugin.held[key]


def _forget_after_check(plugin: Mutant, call: Call, request: Document, outcome: Outcome) -> Outcome:
    if call.command == "CHECK" and outcome.ok:
        plugin.held.pop(key_of(call, request), None)
    return outcome


def _drop_second_valid(plugin: Mutant, call: Call, request: Document) -> None:
    listed = request.get(VALID)
    if call.command == "GC" and isinstance(listed, list) and len(listed) == 2:
        del plugin.held[request["name"], listed[1]["containerID"], listed[1]["ifname"]]


def _empty_on_malformed(plugin: Mutant, call: Call, request: Document) -> None:
    if call.command == "GC" and isinstance(request.get(VALID), str):
        plugin.held.clear()


def _document_on_stderr(plugin: Mutant, call: Call, request: Document, outcome: Outcome) -> Outcome:
    wrong = wrong_version_type(plugin, call, request)
    return replace(outcome, stdout=b"", stderr=outcome.stdout) if wrong else outcome


def _trace(plugin: Mutant, call: Call, request: Document, outcome: Outcome) -> Outcome:
    trace = b"Traceback (most recent call last):\n  ValueError"
    return replace(outcome, stderr=trace) if wrong_version_type(plugin, call, request) else outcome


def _nothing_on_bom(plugin: Mutant, call: Call, request: Document) -> Outcome | None:
    return Outcome(call, 1, b"", b"") if call.stdin.startswith(b"\xef\xbb\xbf") else None


def _without_prefix_length(document: Document) -> None:
    for entry in document.get("ips", []):
        entry["address"] = entry["address"].partition("/")[0]


def _lose_previous(document: Document) -> None:
    for key in ("interfaces", "ips"):
        document[key] = document[key][-1:]


def _same_for_workers(plugin: Mutant, call: Call, request: Document) -> None:
    plugin.fixed_address = "10.7.200.200" if in_worker() else ""


def _fourth_worker(plugin: Mutant, call: Call, request: Document) -> bool:
    by_workers = sum(one["worker"] for one in plugin.held.values())
    return call.command == "ADD" and in_worker() and by_workers >= 3 and plugin.held_by_main == 0


def _requested_after(plugin: Mutant, call: Call, request: Document, with_netns: bool) -> bool:
    wanted = (request.get("runtimeConfig") or {}).get("ips") or [""]
    address = wanted[0].partition("/")[0]
    return call.command == "ADD" and plugin.released_addresses.get(address) is with_netns


VERSION_MUTATIONS = [
    answers("version.answers", command("VERSION"), drop("cniVersion")),
    answers("version.echo", asked("VERSION", "0.4.0"), put("cniVersion", "1.1.0")),
    answers("version.well-formed", command("VERSION"), lambda said: said["supportedVersions"].append("1.1")),
    answers("version.configured", command("VERSION"), lambda said: said["supportedVersions"].remove("1.1.0")),
    refuses(
        "version.only-command",
        lambda p, c, r: c.command == "VERSION" and "CNI_CONTAINERID" not in c.variables,
    ),
    refuses("version.newer-runtime", asked("VERSION", "9.9.9")),
]

VARIABLES_MUTATIONS = [
    accepts("variables.command", command("FROB")),
    accepts(
        "variables.add-containerid",
        lambda p, c, r: c.command == "ADD" and lacks("CNI_CONTAINERID", "CNI_IFNAME")(c),
    ),
    accepts("variables.add-netns", lambda p, c, r: c.command == "ADD" and lacks("CNI_NETNS")(c)),
    accepts(
        "variables.add-ifname",
        lambda p, c, r: c.command == "ADD" and lacks("CNI_IFNAME", "CNI_CONTAINERID")(c),
    ),
    accepts("variables.del-required", lambda p, c, r: c.command == "DEL" and lacks("CNI_IFNAME")(c)),
    accepts("variables.check-required", lambda p, c, r: c.command == "CHECK" and lacks("CNI_NETNS")(c)),
    answers(
        "variables.missing-named",
        lambda p, c, r: c.command == "ADD" and lacks("CNI_CONTAINERID")(c) and lacks("CNI_IFNAME")(c),
        put("msg", "something is missing"),
    ),
    accepts(
        "variables.containerid-characters", lambda p, c, r: c.command == "ADD" and has(c, container=".hidden")
    ),
    answers(
        "variables.invalid-named",
        lambda p, c, r: has(c, container="no such id!"),
        put("msg", "bad characters"),
    ),
    Mutation("variables.ifname-unusable", before=_accept_odd_ifname),
    refuses(
        "variables.args-unknown",
        lambda p, c, r: c.command == "ADD" and "K8S" in c.variables.get("CNI_ARGS", ""),
    ),
    refuses("variables.path-optional", lambda p, c, r: c.command == "ADD" and "CNI_PATH" not in c.variables),
]

CONFIGURATION_MUTATIONS = [
    accepts("configuration.empty", lambda p, c, r: c.command == "ADD" and c.stdin == b""),
    accepts("configuration.not-json", lambda p, c, r: c.stdin == b"no configuration"),
    accepts("configuration.not-an-object", lambda p, c, r: c.stdin == b"[]"),
    accepts(
        "configuration.name-missing", lambda p, c, r: c.command == "ADD" and "type" in r and "name" not in r
    ),
    accepts("configuration.name-characters", lambda p, c, r: r.get("name") == "two words"),
    accepts("configuration.version-unknown", asked("ADD", "1.0")),
    refuses(
        "configuration.version-absent",
        lambda p, c, r: c.command == "ADD" and "type" in r and "cniVersion" not in r,
    ),
    refuses("configuration.unknown-key", lambda p, c, r: r.get(UNKNOWN) == "never-heard-of", code=2),
    refuses("configuration.args", lambda p, c, r: "org.example" in r.get("args", {})),
    refuses("configuration.capabilities", lambda p, c, r: "org.example" in r.get("capabilities", {})),
    refuses("configuration.runtime-config-empty", lambda p, c, r: r.get("runtimeConfig") == {}),
    refuses(
        "configuration.runtime-config",
        lambda p, c, r: "servers" in (r.get("runtimeConfig") or {}).get("dns", {}),
    ),
    refuses(
        "configuration.runtime-config-containerd",
        lambda p, c, r: "Servers" in (r.get("runtimeConfig") or {}).get("dns", {}),
    ),
    refuses("encoding.white-space", lambda p, c, r: c.stdin.startswith(b"\r\n")),
    refuses("encoding.escapes", lambda p, c, r: b"\\u0061" in c.stdin),
    refuses("encoding.other-scripts", lambda p, c, r: "日".encode() in c.stdin),
    refuses("encoding.large", lambda p, c, r: len(c.stdin) > 200_000),
    Mutation("encoding.byte-order-mark", before=_nothing_on_bom),
]

ADD_MUTATIONS = [
    prints("add.result", command("ADD"), lambda said: b"", only_then=True),
    answers("add.interface-named", plain_result, put_into("interfaces", name="pod0")),
    answers("add.sandbox", plain_result, put_into("interfaces", sandbox="")),
    does(
        "add.namespace-missing",
        lambda p, c, r: p.namespaces.add(c.variables["CNI_NETNS"]) if c.command == "ADD" else None,
        only_then=True,
    ),
    refuses("add.second-interface", lambda p, c, r: c.command == "ADD" and has(c, ifname="eth1")),
    Mutation("add.distinct-addresses", prepare=lambda plugin: setattr(plugin, "fixed_address", "10.7.9.9")),
    Mutation("add.repeated", before=_another_address),
    does("add.repeated-keeps", _drop_on_repeat),
]

RESULT_MUTATIONS = [
    answers("results.form-0.1.0", asked("ADD", "0.1.0"), put("ips", [])),
    answers("results.form-0.2.0", asked("ADD", "0.2.0"), put("interfaces", [])),
    answers("results.form-0.3.0", asked("ADD", "0.3.0"), lambda said: said["ips"][0].pop("version")),
    answers("results.form-0.3.1", asked("ADD", "0.3.1"), put_into("ips", version="6")),
    answers("results.form-0.4.0", asked("ADD", "0.4.0"), put_into("ips", version=4)),
    answers("results.form-1.0.0", asked("ADD", "1.0.0"), put_into("ips", version="4")),
    answers("results.form-1.1.0", plain_result, put("routes", {})),
    answers("results.version", asked("ADD", "0.4.0"), put("cniVersion", "1.0.0")),
    answers("results.addresses", plain_result, _without_prefix_length),
    answers("results.gateways", plain_result, put_into("ips", gateway="fe80::1")),
    answers("results.interface-index", plain_result, put_into("ips", interface=7)),
    answers("results.interfaces", plain_result, lambda said: said.get("interfaces", []).append({"name": ""})),
    answers("results.mac", plain_result, put_into("interfaces", mac="0200")),
    answers("results.routes", plain_result, put_into("routes", gw="nowhere")),
    answers("results.dns", plain_result, put("dns", {"nameservers": ["dns.example"]})),
    answers("results.ipam", plain_result, put("interfaces", []), kind="ipam"),
    answers("prevresult.passed-on", lambda p, c, r: c.command == "ADD" and "prevResult" in r, _lose_previous),
    answers(
        "prevresult.indices",
        lambda p, c, r: c.command == "ADD" and "prevResult" in r,
        lambda said: said["ips"][0].update(interface=1),
    ),
    refuses(
        "prevresult.other-version",
        lambda p, c, r: (
            c.command == "ADD" and r.get("prevResult", {}).get("cniVersion", "1.1.0") != r.get("cniVersion")
        ),
        only_then=True,
    ),
]

DELETE_MUTATIONS = [
    refuses("delete.succeeds", command("DEL"), only_then=True),
    refuses(
        "delete.repeated",
        lambda p, c, r: c.command == "DEL" and not _held(p, c, r) and key_of(c, r) in p.released,
    ),
    refuses(
        "delete.never-added",
        lambda p, c, r: c.command == "DEL" and not _held(p, c, r) and key_of(c, r) not in p.released,
        only_then=True,
    ),
    refuses("delete.without-netns", lambda p, c, r: c.command == "DEL" and "CNI_NETNS" not in c.variables),
    refuses(
        "delete.namespace-gone",
        lambda p, c, r: c.command == "DEL" and c.variables.get("CNI_NETNS", "") not in {"", *p.namespaces},
    ),
    refuses(
        "delete.without-prevresult",
        lambda p, c, r: (
            c.command == "DEL" and "prevResult" not in r and c.variables.get("CNI_NETNS") and _held(p, c, r)
        ),
        only_then=True,
    ),
    refuses(
        "delete.after-failed-add",
        lambda p, c, r: c.command == "DEL" and key_of(c, r) not in {key for key, _, _ in p.made},
        only_then=True,
    ),
    does("delete.other-container-stays", _forget_all),
    does("delete.other-interface-stays", _forget_container),
]

CHECK_MUTATIONS = [
    refuses("check.after-add", command("CHECK"), only_then=True),
    Mutation("check.changes-nothing", after=_forget_after_check),
    refuses("check.later-changes", lambda p, c, r: c.command == "CHECK" and b"later0" in c.stdin),
    accepts("check.after-delete", lambda p, c, r: c.command == "CHECK" and key_of(c, r) in p.released),
    Mutation("check.wrong-address", prepare=lambda plugin: setattr(plugin, "compares", False)),
    accepts(
        "check.without-prevresult",
        lambda p, c, r: c.command == "CHECK" and "prevResult" not in r and c.variables.get("CNI_NETNS"),
        only_then=True,
    ),
    accepts(
        "check.namespace-gone",
        lambda p, c, r: c.command == "CHECK" and c.variables.get("CNI_NETNS", "") not in {"", *p.namespaces},
    ),
    accepts("check.too-old-version", asked("CHECK", "0.3.1")),
]

STATUS_AND_GC_MUTATIONS = [
    refuses("status.ready", lambda p, c, r: c.command == "STATUS" and p.held),
    refuses("status.as-libcni", lambda p, c, r: c.command == "STATUS" and "CNI_CONTAINERID" in c.variables),
    refuses("status.path-optional", lambda p, c, r: c.command == "STATUS" and "CNI_PATH" not in c.variables),
    accepts("status.delegate-missing", asked("STATUS", "1.1.0"), kind="delegating"),
    accepts("status.too-old-version", asked("STATUS", "1.0.0")),
    does("gc.keeps-valid", _drop_second_valid),
    accepts("gc.removes-stale", lambda p, c, r: asked("GC", "1.1.0")(p, c, r) and r.get(VALID) == []),
    refuses(
        "gc.repeated",
        lambda p, c, r: c.command == "GC" and r.get(VALID) and "cni.dev/attachments" not in r,
    ),
    refuses("gc.as-libcni", lambda p, c, r: c.command == "GC" and "CNI_CONTAINERID" in c.variables),
    does("gc.malformed-list", _empty_on_malformed),
    refuses("gc.then-delete", lambda p, c, r: c.command == "DEL" and key_of(c, r) in p.collected),
    accepts("gc.too-old-version", asked("GC", "1.0.0")),
]

ERROR_AND_OUTPUT_MUTATIONS = [
    answers("errors.document", wrong_version_type, drop("msg")),
    answers("errors.code", wrong_version_type, put("code", "6")),
    answers("errors.reserved-codes", wrong_version_type, put("code", 42)),
    answers("errors.version", wrong_version_type, drop("cniVersion")),
    Mutation("errors.on-stdout", after=_document_on_stderr),
    Mutation("errors.no-crash", after=_trace),
    prints("output.add", plain_result, lambda said: b"allocated\n" + said),
    prints("output.version", command("VERSION"), lambda said: said + b"\nreference plugin 1.0"),
    prints("output.error", asked("ADD", "9.9.9"), lambda said: b"error:\n" + said),
    prints("output.utf-8", plain_result, lambda said: said[:-1] + b', "note": "caf\xe9"}'),
    prints("output.delete-empty", command("DEL"), lambda said: said or b"{}"),
    prints("output.check-empty", command("CHECK"), lambda said: said or b"{}"),
    prints("output.status-empty", command("STATUS"), lambda said: said or b"{}"),
    prints("output.gc-empty", command("GC"), lambda said: said or b"{}"),
]

PARALLEL_AND_LEFTOVER_MUTATIONS = [
    refuses("parallel.adds", _fourth_worker),
    does("parallel.distinct-addresses", _same_for_workers),
    refuses("parallel.deletes", lambda p, c, r: c.command == "DEL" and in_worker() and p.held_by_main >= 4),
    refuses(
        "parallel.adds-and-deletes",
        lambda p, c, r: c.command == "ADD" and in_worker() and p.main_made_and_namespace_there,
    ),
    refuses(
        "leftovers.same-attachment",
        lambda p, c, r: (
            c.command == "ADD"
            and any(key == key_of(c, r) and netns != c.variables["CNI_NETNS"] for key, netns, _ in p.made)
        ),
    ),
    refuses(
        "leftovers.rounds",
        lambda p, c, r: c.command == "ADD" and [key for key, _, _ in p.made].count(key_of(c, r)) >= 3,
    ),
    refuses("leftovers.same-address", lambda p, c, r: _requested_after(p, c, r, with_netns=True)),
    refuses(
        "leftovers.same-address-without-netns", lambda p, c, r: _requested_after(p, c, r, with_netns=False)
    ),
]

MUTATIONS = [
    *VERSION_MUTATIONS,
    *VARIABLES_MUTATIONS,
    *CONFIGURATION_MUTATIONS,
    *ADD_MUTATIONS,
    *RESULT_MUTATIONS,
    *DELETE_MUTATIONS,
    *CHECK_MUTATIONS,
    *STATUS_AND_GC_MUTATIONS,
    *ERROR_AND_OUTPUT_MUTATIONS,
    *PARALLEL_AND_LEFTOVER_MUTATIONS,
]
