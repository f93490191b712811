"""The text of a configuration file: the document in it, and what keeps a runtime from reading it.

libcni decodes a file by Go's encoding/json: UTF-8 without a byte order mark, and nothing that JSON does not
have. Editors, shells and web pages put in what looks the same to the eye.
Rule 1: what is meant is read nevertheless, where that is plain, so that all faults of a file come at once.
Rule 2: a message shows the one character at fault, and nothing else of the file.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator

from cni_hns.cni.configuration import read_document
from cni_hns.cni.errors import CniError
from cni_hns.typed import Any, NamedTuple

from .findings import Finding

__all__ = ["read_file"]

# In these, keys are whatever somebody chose.
_FREE = ("args", "runtimeConfig")

_UTF_8_MARK = b"\xef\xbb\xbf"
_UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}

# .NET reads any encoding that a mark announces, and writes UTF-8 without one, in every PowerShell.
_REWRITE = "in PowerShell: $f = Resolve-Path FILE; [IO.File]::WriteAllText($f, [IO.File]::ReadAllText($f))"
_HOW_IT_HAPPENED = "PowerShell 7 writes files without it by -Encoding utf8NoBOM"

_DOUBLE = "“”„‟«»〝〞＂"  # noqa: RUF001 - to be told from the one of JSON
_SINGLE = "'‘’‚‛`´＇"  # noqa: RUF001
_LOOK_ALIKES = dict(zip("，：｛｝［］、", ",:{}[],", strict=True))  # noqa: RUF001
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
_WORDS = {"true": "true", "false": "false", "null": "null", "none": "null"}
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})')
_WORD = re.compile(r"[A-Za-z_$][\w$.-]*")
# What may follow a text, for one that is opened by the right mark and closed by another.
_AFTER_TEXT = re.compile(r"\s*[:,}\]]")


def read_file(data: bytes) -> tuple[dict[str, Any] | None, list[Finding]]:
    """(the document, None where it cannot be told; the faults of the text, keys given twice among them)."""
    text, findings = _decoded(data)
    if text is None:
        return None, findings
    try:
        return read_document(text.encode()), [*findings, *_repeated(text)]
    except CniError as fault:
        refusal = fault
    scanned = _Scan(text)
    findings += scanned.findings()
    if not scanned.findings():
        return None, [*findings, _finding(refusal)]
    try:
        return read_document(scanned.mended().encode()), findings
    except CniError as fault:
        return None, [*findings, _finding(fault)]


def _repeated(text: str) -> list[Finding]:
    """Keys that an object has twice: JSON readers take the later one, and say nothing.

    So does Go with keys that differ in case only, wherever it knows the members of an object.
    """
    pairs = json.loads(text, object_pairs_hook=_Pairs)
    return [Finding(path, message, "warning") for path, message in _repeated_keys(pairs, "")]


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, as they are written."""


def _repeated_keys(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Paths, and what is wrong there."""
    if isinstance(value, _Pairs):
        seen: dict[str, str] = {}
        for key, each in value:
            inner = f"{path}.{key}" if path else key
            before = seen.get(key.lower())
            seen[key.lower()] = key
            if before == key:
                yield inner, "stands twice in its object; the later one counts, the other has no effect"
            elif before is not None and not path.startswith(_FREE):
                yield inner, f"differs from {before} in case only, and runtimes read both as one: delete one"
            yield from _repeated_keys(each, inner)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _repeated_keys(each, f"{path}[{index}]")


def _finding(fault: CniError) -> Finding:
    words = fault.msg.replace(" on stdin", "")
    return Finding("", words)


def _decoded(data: bytes) -> tuple[str | None, list[Finding]]:
    if data.startswith(_UTF_8_MARK):
        message = (
            "the file begins with a byte order mark (EF BB BF), which libcni, by which runtimes read it, "
            f"refuses. Write it without, {_REWRITE} ({_HOW_IT_HAPPENED})"
        )
        text, findings = _utf_8(data[len(_UTF_8_MARK) :])
        return text, [Finding("", message), *findings]
    encoding = _UTF_16.get(data[:2]) or _unmarked_utf_16(data)
    if encoding is None:
        return _utf_8(data)
    message = (
        "the file is in UTF-16, as PowerShell 5 writes by > and Out-File, and libcni, by which runtimes read "
        f"it, takes UTF-8 only. Write it anew, {_REWRITE}"
    )
    try:
        return data.decode(encoding).removeprefix("\ufeff"), [Finding("", message)]
    except UnicodeDecodeError:
        return None, [Finding("", message)]


def _unmarked_utf_16(data: bytes) -> str | None:
    """JSON begins with two characters of ASCII, of which UTF-16 has every second byte zero."""
    beginning = data[:4]
    if len(beginning) == len(b"{\0\n\0"):
        if beginning[1::2] == b"\0\0" != beginning[::2]:
            return "utf-16-le"
        if beginning[::2] == b"\0\0" != beginning[1::2]:
            return "utf-16-be"
    return None


def _utf_8(data: bytes) -> tuple[str, list[Finding]]:
    try:
        return data.decode(), []
    except UnicodeDecodeError as fault:
        before = data[: fault.start].decode()
        message = (
            f"{_place(before, len(before))}: byte 0x{data[fault.start]:02X} is not UTF-8: the file was saved "
            'in another encoding ("ANSI"), and runtimes read U+FFFD in its place. Save it as UTF-8'
        )
        return data.decode(errors="replace"), [Finding("", message, "warning")]


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return f"line {line}, column {column}"


def _named(char: str) -> str:
    """`“ (U+201C, left double quotation mark)`; of what does not show, `U+00A0 (no-break space)`."""
    number, name = f"U+{ord(char):04X}", unicodedata.name(char, "").lower()
    if char.isprintable() and not char.isspace():
        return f"{char} ({number}, {name})" if name else f"{char} ({number})"
    return f"{number} ({name})" if name else number


class _Fault(NamedTuple):
    position: int
    message: str


class _Scan:
    """One pass over a text that is no JSON: what JSON does not have, and the text without it.

    Each character keeps its place, so that line and column stay true for what is found after this.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._out = list(text)
        self._faults: list[_Fault] = []
        self._comma: int | None = None
        position = 0
        while position < len(text):
            position = self._step(position)

    def mended(self) -> str:
        return "".join(self._out)

    def findings(self) -> list[Finding]:
        """One for each kind of fault, at its first place."""
        places: dict[str, list[int]] = {}
        for position, message in sorted(self._faults):
            places.setdefault(message, []).append(position)
        return [
            Finding("", f"{_place(self._text, at[0])}: {message}{_more(len(at) - 1)}")
            for message, at in places.items()
        ]

    def _fault(self, position: int, message: str, instead: str | None = None) -> None:
        self._faults.append(_Fault(position, message))
        if instead is not None:
            self._out[position] = instead

    def _step(self, at: int) -> int:
        """Read what begins here, outside of a text; where the next thing begins."""
        char = self._text[at]
        if char in " \t\r\n":
            return at + 1
        if char == "#" or self._text.startswith(("//", "/*"), at):
            return self._comment(at)
        if char in "}]" and self._comma is not None:
            self._fault(self._comma, "a comma with nothing after it: delete it", " ")
        self._comma = at if char == "," else None
        if char == '"' or char in _DOUBLE + _SINGLE:
            return self._quoted(at)
        if match := _WORD.match(self._text, at):
            return self._word(match)
        if not (char.isascii() and (char.isdigit() or char in "{}[]:,+-.")):
            self._stray(at)
        return at + 1

    def _stray(self, at: int) -> None:
        char = self._text[at]
        if char.isspace() or char in _INVISIBLE:
            message = "is no white space to JSON (it comes with text copied from a page): write a space"
            self._fault(at, f"{_named(char)} {message}", " ")
        elif char in _LOOK_ALIKES:
            self._fault(at, f"{_named(char)}: write {_LOOK_ALIKES[char]}", _LOOK_ALIKES[char])
        else:
            self._fault(at, f"{_named(char)} has no place here: delete it", " ")

    def _comment(self, at: int) -> int:
        self._fault(at, "a comment, which JSON does not have: delete it")
        is_long = self._text.startswith("/*", at)
        end = self._text.find("*/" if is_long else "\n", at)
        end = len(self._text) if end < 0 else end + (len("*/") if is_long else 0)
        for position in range(at, end):
            if self._text[position] not in "\r\n":
                self._out[position] = " "
        return end

    def _word(self, match: re.Match[str]) -> int:
        word, first, last = match.group(), match.start(), match.end() - 1
        meant = _WORDS.get(word.lower())
        if meant is None:
            self._fault(first, 'a word without quotation marks: write it in "..."')
            self._out[first] = f'"{self._out[first]}'
            self._out[last] = f'{self._out[last]}"'
        elif word != meant:
            self._fault(first, f"{word} is {meant} in JSON")
            self._out[first : last + 1] = list(meant)
        return match.end()

    def _quoted(self, at: int) -> int:
        opening = self._text[at]
        closing = '"' if opening == '"' else _SINGLE if opening in _SINGLE else f'"{_DOUBLE}'
        if opening != '"':
            self._wrong_mark(at)
        inside = at + 1
        while inside < len(self._text):
            char = self._text[inside]
            if char in closing or self._closes_otherwise(inside):
                if char != '"':
                    self._wrong_mark(inside)
                return inside + 1
            if char in "\r\n":
                self._fault(at, "the text that begins here has no closing quotation mark on its line")
                self._out[inside] = f'"{char}'
                return inside + 1
            inside = self._inside(inside)
        self._fault(at, "the text that begins here has no closing quotation mark")
        self._out.append('"')
        return inside

    def _inside(self, at: int) -> int:
        """One character of a text, or one escape."""
        char = self._text[at]
        if char == "\\":
            if escape := _ESCAPE.match(self._text, at):
                return escape.end()
            self._fault(
                at, "a single backslash: in JSON it is written twice, as in C:\\\\ProgramData", "\\\\"
            )
        elif char == '"':
            self._out[at] = '\\"'
        elif char < " ":
            self._fault(at, f"{_named(char)}, a control character, in a text: write a space, or \\t", " ")
        return at + 1

    def _closes_otherwise(self, at: int) -> bool:
        return self._text[at] in _DOUBLE and _AFTER_TEXT.match(self._text, at + 1) is not None

    def _wrong_mark(self, at: int) -> None:
        self._fault(at, f'{_named(self._text[at])} is no quotation mark to JSON: write " (U+0022)', '"')


def _more(others: int) -> str:
    return f" (and in {others} other place{'s' if others > 1 else ''})" if others else ""
