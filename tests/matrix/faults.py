"""What can go wrong at a point: the ways, and which of them a point has.

Rule: a way is something that can really happen. An HNS that says "not found" of an endpoint that is there
would be lying, and no program can clean up behind a liar: there the endpoint does vanish.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["ADDRESS_REFUSED", "BROKEN_OFF", "KINDS", "Point", "Way", "changes", "ways"]

KINDS = ("hns", "closing", "ledger", "file", "child")

BROKEN_OFF = 0x800706BE
_ADDRESS_CODES = (0x803B001E, 0x803B002F, 0x80071392)
ADDRESS_REFUSED = tuple(f"0x{code:08X}" for code in _ADDRESS_CODES)

# HNS's codes by function, as they were seen in the field.
_ANY = (0x80070005, 0x80070426, 0x800706BA, BROKEN_OFF, 0x800706BF)
_SEEN: dict[str, tuple[int, ...]] = {
    "HcnCreateNetwork": (0x803B0006, 0x803B0010, 0x80070034, 0x80070057, 0x800700B7, 0x80004005),
    "HcnOpenNetwork": (0x803B0001, 0x803B0017),
    "HcnQueryNetworkProperties": (0x803B0017, 0x80070006),
    "HcnCreateEndpoint": (
        *(0x803B0001, 0x803B0007, 0x803B000D, 0x803B0013, 0x803B0017, 0x80070020),
        *(0x80070057, 0x800700B7, 0x80070490, *_ADDRESS_CODES),
    ),
    "HcnQueryEndpointProperties": (0x80070006,),
    "HcnDeleteEndpoint": (0x80004005,),
    "HcnModifyNamespace": (0x803B0014, 0x803B0017, 0x803B002E),
    "HcnOpenNamespace": (0x80070490,),
    "HcnQueryNamespaceProperties": (0x80070006,),
    "HcsModifyComputeSystem": (0x803B0014, 0xC0370105, 0xC037011E),
}
_AFTER = (0x80004005, 0x800706BA, BROKEN_OFF)

_SQLITE = ("FULL", "IOERR", "READONLY", "BUSY", "CORRUPT")

_READING = ("EACCES", "EIO")
_WRITING = ("ENOSPC", "EACCES", "EIO", "EROFS")
_LOCKING = ("EWOULDBLOCK", "EIO")

_NO_START = ("ENOENT", "EACCES", "ENOMEM")
# An error document with this code; or none: ended by a signal, silent, half a document.
_ANSWERS = ("5", "11", "0", "100", "signal", "silent", "garbage")


class Point(NamedTuple):
    """The k-th step of one kind in a verb. `what` is the function, statement, operation or command."""

    kind: str
    k: int
    what: str
    target: str = ""
    """The object, where the step is about the attachment's own endpoint."""
    nth: int = 1
    """Of the steps with this name it is the nth."""


class Way(NamedTuple):
    """`effect`: fail, vanish, kill, hang, late, restart or reboot. `after`: once the step's work is done."""

    effect: str
    detail: str = ""
    after: bool = False

    @property
    def name(self) -> str:
        moment = {"fail": ("", "after its work"), "hang": ("", "after its work")}.get(
            self.effect, ("before", "after")
        )[self.after]
        if self.effect in ("restart", "late", "vanish"):
            moment = ""
        return " ".join(part for part in (self.effect, self.detail, moment) if part)

    @property
    def kills(self) -> bool:
        """Whether the process of the verb is killed."""
        return self.effect in ("kill", "reboot") or (self.effect == "late" and self.detail == "killed")

    @property
    def hangs(self) -> bool:
        """Whether the verb ends at its deadline only."""
        return self.effect == "hang" or (self.effect == "late" and self.detail == "hung")


def ways(point: Point) -> Iterator[Way]:
    """Everything that can happen at this point."""
    yield from _OF_KIND[point.kind](point)
    yield Way("kill")
    yield Way("kill", after=True)
    yield Way("reboot")
    if changes(point):
        yield Way("reboot", after=True)
    if point.kind != "closing":
        yield Way("hang")
        yield Way("restart")


def changes(point: Point) -> bool:
    """Whether the step changes something."""
    if point.kind == "hns":
        return point.what.startswith(("HcnCreate", "HcnDelete", "HcnModify", "HNSCall", "HcsModify"))
    if point.kind == "file":
        return point.what not in ("stat", "lstat", "listdir", "scandir", "read", "flock")
    return point.kind != "closing"


def _of_hns(point: Point) -> Iterator[Way]:
    for code in (*_SEEN.get(point.what, ()), *_ANY):
        yield Way("fail", f"0x{code:08X}")
    if point.target:
        yield Way("vanish")
    yield Way("restart", "broken off")
    if changes(point):
        for code in (*_AFTER, *((0x80071392,) if point.what == "HcnCreateEndpoint" else ())):
            yield Way("fail", f"0x{code:08X}", after=True)
        for detail in ("soon", "answered", "killed", "hung"):
            yield Way("late", detail)


def _of_closing(point: Point) -> Iterator[Way]:
    for code in (0x80070006, 0x800706BA):
        yield Way("fail", f"0x{code:08X}")


def _of_ledger(point: Point) -> Iterator[Way]:
    for name in _SQLITE:
        yield Way("fail", name)
    yield Way("fail", "IOERR", after=True)


def _of_file(point: Point) -> Iterator[Way]:
    for name in _LOCKING if point.what == "flock" else _WRITING if changes(point) else _READING:
        assert hasattr(errno, name)
        yield Way("fail", name)
    if changes(point):
        yield Way("fail", "EIO", after=True)


def _of_child(point: Point) -> Iterator[Way]:
    for name in _NO_START:
        yield Way("fail", name)
    for answer in _ANSWERS:
        yield Way("fail", answer)
        yield Way("fail", answer, after=True)
    yield Way("late", "killed")


_OF_KIND = {
    "hns": _of_hns,
    "closing": _of_closing,
    "ledger": _of_ledger,
    "file": _of_file,
    "child": _of_child,
}
