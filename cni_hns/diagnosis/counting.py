"""What the plugin's log says of its calls, counted: the plugin itself counts nothing.

Rule 1: a count never goes back: what was counted is kept in a file of its own, with the place up to which
each log was read. Each line is counted once, also when the log is turned over in between.
Rule 2: lines that are lost, because the log was turned over twice meanwhile, are not made up.
Rule 3: a run reads a bounded part of a log; the next one goes on there.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from binascii import crc32
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeGuard

from cni_hns.diagnosis.exposition import Family, Histogram, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Counts", "count", "keep", "kept_in"]

FORMAT = 1

_VERBS = ("ADD", "DEL", "CHECK", "GC", "STATUS")
_VERB_BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 100.0)
_CALL_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_FUNCTION = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_MOST_FUNCTIONS = 100
_MOST_CODES = 200

_MOST_BYTES = 256 << 20
_CHUNK_BYTES = 1 << 20
_MARK_BYTES = 4096


class Place(NamedTuple):
    """Up to where a log was read: which file it was, by its first line, and how many bytes of it."""

    mark: str
    offset: int


class Counts:
    """All that was counted so far."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self.calls: dict[tuple[str, str, str], int] = {}
        self.durations: dict[tuple[str, str], Histogram] = {}
        self.hns_calls: dict[str, Histogram] = {}

    @classmethod
    def of(cls, document: Any) -> Counts:
        """What `to_document` gave. Raises: ValueError, KeyError, TypeError: it is none."""
        if document["format"] != FORMAT:
            raise ValueError("another format")
        found = cls()
        found.places = {
            path: Place(str(mark), int(offset)) for path, (mark, offset) in document["places"].items()
        }
        found.calls = {(str(a), str(b), str(c)): int(number) for a, b, c, number in document["calls"]}
        for verb, result, *kept in document["durations"]:
            found.durations[str(verb), str(result)] = _histogram(kept, _VERB_BOUNDS_S)
        for name, *kept in document["hnsCalls"]:
            found.hns_calls[str(name)] = _histogram(kept, _CALL_BOUNDS_S)
        return found

    def to_document(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "places": self.places,
            "calls": [[*key, number] for key, number in self.calls.items()],
            "durations": [[*key, one.counts, one.total] for key, one in self.durations.items()],
            "hnsCalls": [[name, one.counts, one.total] for name, one in self.hns_calls.items()],
        }

    def families(self) -> list[Family]:
        """As metrics."""
        return [
            Family(
                "cni_hns_calls_total",
                "counter",
                "Calls of the plugin by verb, result and CNI error code (0 for done).",
                [
                    Sample({"verb": verb, "result": result, "code": code}, number)
                    for (verb, result, code), number in sorted(self.calls.items())
                ],
            ),
            Family(
                "cni_hns_call_duration_seconds",
                "histogram",
                "How long the calls took, by verb and result.",
                [
                    sample
                    for (verb, result), one in sorted(self.durations.items())
                    for sample in one.samples({"verb": verb, "result": result})
                ],
            ),
            Family(
                "cni_hns_hns_call_duration_seconds",
                "histogram",
                "How long calls of HNS took, by function.",
                [
                    sample
                    for name, one in sorted(self.hns_calls.items())
                    for sample in one.samples({"function": name})
                ],
            ),
        ]

    def add_line(self, line: bytes) -> None:
        """Count one line of a log, if it is one that counts."""
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            return
        if isinstance(document, dict):
            self._add(document)

    def _add(self, line: dict[str, Any]) -> None:
        message, verb, milliseconds = line.get("message"), line.get("verb"), line.get("ms")
        if message == "HNS call":
            self._add_hns_call(line.get("call"), milliseconds)
        elif verb in _VERBS and message == f"{verb} is done":
            self._add_call(verb, "done", "0", milliseconds)
        elif verb in _VERBS and str(message).startswith(f"{verb} failed with code"):
            self._add_call(verb, "failed", str(line.get("code")), milliseconds)

    def _add_call(self, verb: str, result: str, code: str, milliseconds: Any) -> None:
        key = (verb, result, code)
        if key not in self.calls and (len(self.calls) >= _MOST_CODES or not code.isdecimal()):
            key = (verb, result, "other")
        self.calls[key] = self.calls.get(key, 0) + 1
        if _is_duration(milliseconds):
            self.durations.setdefault((verb, result), Histogram(_VERB_BOUNDS_S)).add(milliseconds / 1000)

    def _add_hns_call(self, call: object, milliseconds: Any) -> None:
        found = _FUNCTION.match(call) if isinstance(call, str) else None
        if found is None or not _is_duration(milliseconds):
            return
        if found[0] in self.hns_calls or len(self.hns_calls) < _MOST_FUNCTIONS:
            self.hns_calls.setdefault(found[0], Histogram(_CALL_BOUNDS_S)).add(milliseconds / 1000)


def count(counts: Counts, path: str) -> None:
    """Count what came to this log since it was last counted.

    Raises: OSError: it cannot be read.
    """
    with contextlib.ExitStack() as files:
        # The current one first: turned over in between, it is opened twice, and known by its first line.
        current, older = _opened(files, path), _opened(files, f"{path}.1")
        for file, place in _to_read(counts.places.get(path), current, older):
            counts.places[path] = _read(counts, file, place)


def kept_in(path: str) -> Counts:
    """What was kept there; nothing yet where there is no such file, or what it holds is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return Counts.of(json.load(file))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Counts()


def keep(counts: Counts, path: str) -> None:
    """Keep it there: in one step, so that a process that is killed leaves the old or the new.

    Raises: OSError.
    """
    draft = f"{path}.{os.getpid()}.tmp"
    with open(draft, "w", encoding="utf-8") as file:
        json.dump(counts.to_document(), file)
    os.replace(draft, path)


class _File(NamedTuple):
    """An open log, and what its first line names it."""

    file: IO[bytes]
    mark: str


def _opened(files: contextlib.ExitStack, path: str) -> _File | None:
    """None where it is not there, or has no whole line yet."""
    try:
        file = files.enter_context(open(path, "rb"))  # noqa: SIM115 - the stack is one
    except FileNotFoundError:
        return None
    first, end, _ = file.read(_MARK_BYTES).partition(b"\n")
    return _File(file, f"{crc32(first):08x}") if end or len(first) == _MARK_BYTES else None


def _to_read(
    known: Place | None, current: _File | None, older: _File | None
) -> Iterator[tuple[_File, Place]]:
    """What is to be read, the older first, each from where it was read to."""
    if older and current and older.mark == current.mark:
        older = None
    at_current = bool(known and current and known.mark == current.mark)
    if older and not at_current:
        yield older, known if known and known.mark == older.mark else Place(older.mark, 0)
    if current:
        yield current, known if known and at_current else Place(current.mark, 0)


def _read(counts: Counts, one: _File, place: Place) -> Place:
    """Count its whole lines from there on; where it was read to."""
    size = one.file.seek(0, os.SEEK_END)
    offset = place.offset if place.offset <= size else 0
    one.file.seek(offset)
    ends = offset + _MOST_BYTES
    rest = b""
    while offset < ends and (chunk := one.file.read(_CHUNK_BYTES)):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            counts.add_line(line)
            offset += len(line) + 1
        if len(rest) > _CHUNK_BYTES:
            # No line of ours is so long.
            offset, rest = offset + len(rest), b""
    return Place(one.mark, offset)


def _histogram(kept: list[Any], bounds: tuple[float, ...]) -> Histogram:
    """Raises: ValueError, TypeError: it was kept with other buckets, or is none."""
    counts, total = kept
    if len(counts) != len(bounds) + 1:
        raise ValueError("other buckets")
    return Histogram(bounds, [int(one) for one in counts], float(total))


def _is_duration(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9  # noqa: PLR2004
