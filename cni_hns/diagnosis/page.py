"""The first page of a bundle: what is wrong, and the pods with all that belongs to them, as HTML and as text.

Rule: every text is another program's: it is escaped, so that it cannot forge a tag, a line or a colour. The
page needs nothing from elsewhere, and its policy forbids it to ask.
"""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.log import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cni_hns.doctor.finding import Finding

__all__ = ["Contents", "FileLine", "html_of", "text_of"]

_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } a { color: #8bf; } }
table { border-collapse: collapse; width: 100%; margin: 1em 0; }
th, td { text-align: left; vertical-align: top; padding: .3em .6em; border-bottom: 1px solid #8886; }
code { overflow-wrap: anywhere; }
.ill { color: #c22; font-weight: bold; } .warning { color: #a60; font-weight: bold; }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class FileLine(NamedTuple):
    """A file of the bundle: its name, where it comes from, and why it is empty or missing, if it is."""

    name: str
    source: str
    reason: str
    seconds: float


class Contents(NamedTuple):
    """What the page tells. `pods` as `pod list` has them in JSON; `facts` are name and value."""

    collected: float
    facts: dict[str, str]
    findings: Sequence[Finding]
    pods: Sequence[dict[str, Any]]
    notes: Sequence[str]
    files: Sequence[FileLine]


def html_of(contents: Contents) -> str:
    """The page, complete in itself."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>cni-hns diagnose</title><style>{_STYLE}</style></head><body>",
        f"<h1>A node on {_moment(contents.collected)}</h1>",
        _rows(("", ""), ([name, value] for name, value in contents.facts.items())),
        "<h2>What is wrong</h2>",
        "".join(map(_finding, contents.findings)) or "<p>Nothing that was examined.</p>",
        "<h2>What did not answer</h2>" if contents.notes else "",
        "".join(f"<p>{_safe(note)}</p>" for note in contents.notes),
        f"<h2>Pods ({len(contents.pods)})</h2>",
        _rows(_POD_HEADINGS, map(_pod_cells, contents.pods)),
        "<h2>Files</h2>",
        _rows(("from", "outcome"), map(_file_cells, contents.files), [one.name for one in contents.files]),
        "</body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def text_of(contents: Contents) -> str:
    """The same for a terminal."""
    lines = [f"A node on {_moment(contents.collected)}", ""]
    lines += [f"{name}: {value}" for name, value in contents.facts.items()]
    lines += ["", "WHAT IS WRONG"]
    for one in contents.findings:
        lines += [
            f"{one.severity}: {one.subject}: {one.cause}",
            f"  effect: {one.effect}",
            f"  next:   {one.remedy}",
        ]
    lines += [] if contents.findings else ["nothing that was examined"]
    lines += ["", "WHAT DID NOT ANSWER", *contents.notes] if contents.notes else []
    lines += ["", f"PODS ({len(contents.pods)})"]
    for facts in contents.pods:
        title, *others = _pod_cells(facts)
        lines += [
            title,
            *(f"    {name}: {cell}" for name, cell in zip(_POD_HEADINGS[1:], others, strict=True) if cell),
        ]
    lines += ["", "FILES"]
    lines += [f"{one.name}: {one.reason}" if one.reason else one.name for one in contents.files]
    return "".join(f"{one_line(line)}\n" for line in lines)


_POD_HEADINGS = ("pod", "state", "addresses", "networks", "namespace", "containers", "endpoints", "ledger")


def _pod_cells(facts: dict[str, Any]) -> list[str]:
    told = facts.get("kubernetes")
    name = f"{told['namespace']}/{told['name']} " if told else ""
    return [
        f"{name}{facts['id'] or 'a pod without a known sandbox'}",
        "; ".join([facts["state"], *(one["words"] for one in facts["mismatches"])]),
        ", ".join(facts["addresses"]),
        ", ".join(facts["networks"]),
        str(facts["namespace"]),
        ", ".join(f"{one['id']} {one['state']}" for one in facts["containers"]),
        ", ".join(f"{one['id']} {one['state']}".rstrip() for one in facts["endpoints"]),
        ", ".join(
            f"{one['ifname']} on {one['network']}: {one['phase']}, {one['lastVerb']}"
            for one in facts["attachments"]
        ),
    ]


def _finding(one: Finding) -> str:
    return (
        f'<p><span class="{"ill" if one.severity == "ill" else "warning"}">{_safe(one.severity)}</span> '
        f"{_safe(one.subject)}: {_safe(one.cause)}<br>effect: {_safe(one.effect)}<br>"
        f"next: <code>{_safe(one.remedy)}</code></p>"
    )


def _file_cells(one: FileLine) -> list[str]:
    return [one.source, one.reason or f"{one.seconds:.1f} s"]


def _rows(headings: Sequence[str], rows: Iterable[Sequence[str]], files: Sequence[str] = ()) -> str:
    """A table; with `files` its first column has links to them, beside this page."""
    links = [f'<td><a href="{_safe(one)}">{_safe(one)}</a></td>' for one in files]
    cells = ["".join(f"<td>{_safe(cell)}</td>" for cell in row) for row in rows]
    first = "<th>file</th>" if files else ""
    head = "".join(f"<th>{_safe(one)}</th>" for one in headings)
    body = "".join(
        f"<tr>{link}{row}</tr>" for link, row in zip(links or [""] * len(cells), cells, strict=True)
    )
    return f"<table>{f'<tr>{first}{head}</tr>' if any(headings) else ''}{body}</table>"


def _safe(text: object) -> str:
    return escape(one_line(str(text)))


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
