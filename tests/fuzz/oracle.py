"""What must hold for every input, whatever it is.

Rule: nothing here knows what the right answer is; it knows what no answer may be.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from cni_hns.cni import errors
from cni_hns.cni.protocol import SUPPORTED
from tests.fuzz.inputs import Input
from tests.fuzz.pictures import Picture
from tests.fuzz.scenes import NETNS, container
from tests.fuzz.seeds import BASES, SECRET

__all__ = ["Fault", "Observed", "judged"]

# Of the 300 MB that a process of the program may have; without any input it has less than 60.
_MEMORY_LIMIT_MB = 240

# The specification's (section 5, "Error") and ours, all by name; what nobody foresaw is none of them.
_CODES = {code for name, code in vars(errors).items() if name.isupper() and isinstance(code, int)} - {
    errors.INTERNAL
}
_PRINT_RESULTS = ("ADD", "VERSION")
_TRACEBACK = re.compile(r"Traceback \(|File \"[^\"]+\", line|\.py:\d+")


class Fault(NamedTuple):
    """What is wrong with one answer: a word for the kind, and where it comes from."""

    kind: str
    text: str = ""

    @property
    def signature(self) -> str:
        """The same for two inputs that show the same fault."""
        return f"{self.kind} {self.text}".strip()


class Observed(NamedTuple):
    """One call, seen from outside."""

    stdout: str
    exit_code: int
    late: bool = False
    """The watchdog answered, and the process would have been left."""
    raised: str = ""
    """What came out of a front door that never raises."""
    cause: str = ""
    """Where an unforeseen exception came from."""
    stderr: str = ""
    descriptor: bytes = b""
    """What was written to stdout past the one who may."""
    log: str = ""
    grown_mb: float = 0
    """By how much the memory grew, at most."""
    held: tuple[str, ...] = ()
    """Handles, buffers and processes that were not given back."""


def judged(one: Input, seen: Observed, before: Picture | None, after: Picture | None) -> list[Fault]:
    """Everything that is wrong."""
    if seen.raised:
        return [Fault("raised", seen.raised)]
    found = _answer(one, seen) + _secrets(one, seen)
    if seen.descriptor:
        found.append(Fault("wrote to stdout beside the document", one.verb))
    if seen.grown_mb > _MEMORY_LIMIT_MB:
        found.append(Fault("memory", f"{_MEMORY_LIMIT_MB} MB more in {one.verb}"))
    found += [Fault("not given back", what) for what in seen.held]
    if before is not None and after is not None:
        found += _others(one, before, after)
        if seen.exit_code != 0 and not seen.late:
            found += _nothing_changed(one, before, after)
    return found


def _answer(one: Input, seen: Observed) -> list[Fault]:
    verb = one.variables().get("CNI_COMMAND", "")
    if seen.exit_code not in (0, 1):
        return [Fault("exit code", str(seen.exit_code))]
    if seen.exit_code == 0 and verb not in _PRINT_RESULTS:
        return [Fault("a document where none is printed", verb)] if seen.stdout else []
    try:
        document = json.loads(seen.stdout, parse_constant=_refuse)
    except ValueError:
        return [Fault("stdout is not one JSON document", f"{verb} exit {seen.exit_code}")]
    if not isinstance(document, dict) or document.get("cniVersion") not in SUPPORTED:
        return [Fault("a document without a supported cniVersion", verb)]
    if seen.exit_code == 0:
        return [Fault("a success that looks like an error", verb)] if "code" in document else []
    return _error(one, seen, document)


def _refuse(name: str) -> None:
    raise ValueError(name)


def _error(one: Input, seen: Observed, document: dict[str, Any]) -> list[Fault]:
    code, msg, details = document.get("code"), document.get("msg"), document.get("details", "")
    found = []
    if not isinstance(code, int) or isinstance(code, bool):
        found.append(Fault("a code that is no number", one.kind))
    elif code == errors.INTERNAL:
        found.append(Fault("999", seen.cause or f"{one.kind} {one.verb}: {str(msg)[:120]}"))
    elif code not in _CODES | _codes_of_plugin(one):
        found.append(Fault("a code that is not allowed", f"{code} in {one.verb}"))
    if not isinstance(msg, str) or not msg.strip() or not isinstance(details, str):
        found.append(Fault("an error without words", f"{code} in {one.verb}"))
    elif not document.keys() <= {"cniVersion", "code", "msg", "details"}:
        found.append(Fault("an error with other members", ", ".join(document)))
    elif not (msg + details).isprintable():
        found.append(Fault("control characters in a message", f"{code} ({one.kind})"))
    if _TRACEBACK.search(seen.stdout):
        found.append(Fault("a traceback in the answer", f"{code} in {one.verb}"))
    return found


def _codes_of_plugin(one: Input) -> set[int]:
    """The codes that the IPAM plugin really said, as far as an error document can carry them."""
    found: set[int] = set()
    for told in one.ipam.values():
        try:
            code = json.loads(told.get("stdout", "")).get("code")
        except (ValueError, AttributeError, RecursionError):
            continue
        if (
            isinstance(code, int)
            and not isinstance(code, bool)
            and 0 < code < 2**32
            and code != errors.INTERNAL
        ):
            found.add(code)
    return found


def _secrets(one: Input, seen: Observed) -> list[Fault]:
    return [
        Fault("a secret", f"in {where} of {one.verb} ({one.kind})")
        for where, text in (("stdout", seen.stdout), ("stderr", seen.stderr), ("the log", seen.log))
        if SECRET in text
    ]


def _others(one: Input, before: Picture, after: Picture) -> list[Fault]:
    """Every pod that the call is not about has what it had; another interface may have come to it."""
    damaged = {damage["table"] for damage in one.ledger}
    found = []
    for number in range(1, one.pods + 1):
        if not _is_others(one, number, before):
            continue
        compared = {
            "endpoint": (_endpoints(before, number), _endpoints(after, number)),
            "namespace": (_members(before, number), _members(after, number)),
        }
        # A row that is not as it was written may be put right.
        if not one.flips and "attachments" not in damaged:
            compared["row"] = (_of(before.rows, number), _of(after.rows, number))
        if not one.flips and "leases" not in damaged:
            compared["lease"] = (_of(before.leases, number), _of(after.leases, number))
        for what, (had, has) in compared.items():
            if any(thing not in (has or ()) for thing in had or ()):
                found.append(Fault("another pod was touched", f"{what}, by {one.verb} ({one.kind})"))
    return found


def _is_others(one: Input, number: int, before: Picture) -> bool:
    """Whether the pod is none of this call's, and to the ledger is what it was."""
    variables, network = one.variables(), BASES[one.base].config["name"]
    if (one.ledger or one.flips) and not any(
        _is_whole(row, network) for row in _of(before.rows, number) or ()
    ):
        return False
    verb = variables.get("CNI_COMMAND")
    if verb in {"ADD", "DEL", "CHECK"}:
        return variables.get("CNI_CONTAINERID") != container(number)
    if verb != "GC":
        return True
    document = _document(one)
    if not isinstance(document, dict) or document.get("name") != network:
        return True
    return (container(number), "eth0") in _listed(document)


def _is_whole(row: dict[str, Any], network: str) -> bool:
    return (row.get("network"), row.get("ifname"), row.get("phase")) == (network.encode(), b"eth0", b"ready")


def _document(one: Input) -> Any:
    try:
        return json.loads(one.stdin().decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def _listed(document: dict[str, Any]) -> set[tuple[str, str]]:
    """The attachments that no runtime would say were not listed."""
    found = set()
    for key in ("cni.dev/valid-attachments", "cni.dev/attachments"):
        for entry in document.get(key) or () if isinstance(document.get(key), list) else ():
            if isinstance(entry, dict) and len({key.casefold() for key in entry}) == len(entry):
                container_id, ifname = entry.get("containerID"), entry.get("ifname")
                if isinstance(container_id, str) and isinstance(ifname, str):
                    found.add((container_id, ifname))
    return found


def _endpoints(picture: Picture, number: int) -> list[Any]:
    """The endpoints in the pod's namespace."""
    return [
        one
        for one in picture.objects["endpoints"].values()
        if str(one.get("HostComputeNamespace", "")).lower() == NETNS[number]
    ]


def _members(picture: Picture, number: int) -> Any:
    return picture.objects["namespaces"].get(NETNS[number], {}).get("Resources")


def _of(rows: list[dict[str, Any]] | None, number: int) -> list[dict[str, Any]] | None:
    name = container(number).encode()
    return None if rows is None else [row for row in rows if row.get("container_id") == name]


def _nothing_changed(one: Input, before: Picture, after: Picture) -> list[Fault]:
    """An error changes nothing. DEL and GC may have got half way, and so may everything when HNS lies."""
    if one.verb in {"DEL", "GC"} or one.hns or after.rows is None:
        return []
    had, has = before.things, after.things
    changed = {name for name in had if had[name] != has[name]}
    if one.ledger:
        changed -= {"attachments", "leases"}
    if one.delegates:
        changed -= {"networks"}  # what another plugin will say is known last
    if one.ipam.get("DEL"):
        changed -= {"attachments"}  # what it refuses is kept for the next time
    words = f"{', '.join(sorted(changed))} by {one.verb} ({one.kind})"
    return [Fault("an error changed something", words)] if changed else []
