"""`cni-hns config explain`: what becomes of a pod by this configuration, and where in the file that stands.

Rule: one fact a line, its name first and its place in the file last; nothing is cut, and what is too long
goes on below itself.
"""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.checks import findings_of_file
from cni_hns.cli.configurations import read_bytes
from cni_hns.cli.output import print_json, terminal_width
from cni_hns.cli.session import json_option
from cni_hns.log import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cni_hns.dialects.explain import Explained, Fact, Policy, Section
    from cni_hns.dialects.findings import Finding

__all__ = ["explain"]

_LABEL = 12
_WIDTH = 100
_WIDEST_VALUE = 60
_NARROWEST_VALUE = 32


@click.command()
@click.argument("file")
@json_option
def explain(file: str, as_json: bool) -> int:
    """Say in plain words what a network configuration does, of any dialect that this program reads.

    Network, addresses, gateway, routes, DNS, each policy as HNS gets it, what the runtime may add, each with
    its place in the file; then where this plugin differs from the peer. Exit code 1 if the file has errors;
    they are printed first.
    """
    # With the models, as much to load as all the other commands together.
    from cni_hns.dialects.explain import explain as explained_plugins
    from cni_hns.dialects.file_text import read_file

    findings = findings_of_file(file)
    document, _ = read_file(read_bytes(file))
    explained = explained_plugins(document, file) if document is not None else []
    errors = [finding for finding in findings if finding.severity == "error"]
    if as_json:
        print_json(
            {
                "file": file,
                "plugins": [_as_json(each) for each in explained],
                "findings": [finding._asdict() for finding in findings if finding.severity != "note"],
            }
        )
    else:
        click.echo("\n\n".join(_paragraphs(file, explained, findings, document or {})))
    return 1 if errors else 0


def _as_json(explained: Explained) -> dict[str, Any]:
    return {
        "place": explained.place,
        "name": explained.name,
        "type": explained.type,
        "dialect": explained.dialect,
        "sections": [
            {
                "title": section.title,
                "facts": [_fact_as_json(fact) for fact in section.facts],
                "policies": [
                    {"document": policy.document, "from": policy.places} for policy in section.policies
                ],
            }
            for section in explained.sections
        ],
        "network": explained.network,
        "endpoint": explained.endpoint,
        "notes": [{"path": note.path, "message": note.message} for note in explained.notes],
    }


def _fact_as_json(fact: Fact) -> dict[str, Any]:
    return {"label": fact.label, "value": fact.value, "from": fact.places}


def _others(document: Mapping[str, Any]) -> list[str]:
    """A line for each plugin of a list that is another program's."""
    from cni_hns.dialects.file_plugins import plugins_of

    ours = [plugin.position for plugin in plugins_of(document)]
    listed = document.get("plugins")
    return [
        f'plugins[{index}] is of type "{each.get("type")}", another program\'s, and not explained here'
        for index, each in enumerate(listed if isinstance(listed, list) else [])
        if isinstance(each, dict) and index not in ours
    ]


def _paragraphs(
    file: str, explained: Sequence[Explained], findings: Sequence[Finding], document: Mapping[str, Any]
) -> Iterator[str]:
    faults = [one_line(f"{each.severity}: {each}") for each in findings if each.severity != "note"]
    if faults:
        yield "\n".join(faults)
    for each in explained:
        yield _title(file, each)
        width = _value_width(each)
        yield from ("\n".join(_section(section, width)) for section in each.sections)
        notes = [line for note in each.notes for line in _wrapped(str(note))]
        if notes:
            is_native = each.dialect == "cni-hns"
            title = "Notes" if is_native else "Other than the peer, and what has no effect"
            yield "\n".join([title, *notes])
    yield from _others(document)


def _title(file: str, explained: Explained) -> str:
    name = os.path.basename(file)
    where = f"{name}, {explained.place}" if explained.place else name
    by = ", handed on by flannel" if explained.by_flannel else ""
    return f'{where}: "{explained.name}", a configuration of type {explained.type}{by}'


def _screen() -> int:
    """The width to write in: the terminal's, or where there is none one that most have."""
    return max(60, terminal_width() or shutil.get_terminal_size((_WIDTH, 0)).columns)


def _value_width(explained: Explained) -> int:
    """One column for the places of the whole plugin, as far left as they fit."""
    places = [", ".join(fact.places) for section in explained.sections for fact in section.facts]
    room = _screen() - _LABEL - 4 - len("  from ") - max(map(len, places), default=0)
    longest = max((len(fact.value) for section in explained.sections for fact in section.facts), default=0)
    return max(_NARROWEST_VALUE, min(_WIDEST_VALUE, room, longest))


def _section(section: Section, width: int) -> Iterator[str]:
    yield section.title
    before = ""
    for fact in section.facts:
        yield from _fact(fact, width, label="" if fact.label == before else fact.label)
        before = fact.label
    for number, policy in enumerate(section.policies, start=1):
        yield from _policy(policy, number, width)


def _fact(fact: Fact, width: int, label: str) -> Iterator[str]:
    # A command is to be copied whole.
    first, *more = [fact.value] if fact.value.startswith("cni-hns ") else _parts(fact.value, width)
    indent = " " * (_LABEL + 4)
    yield from _placed(f"  {label:<{_LABEL}}  {first:<{width}}", fact.places, more, indent)


def _policy(policy: Policy, number: int, width: int) -> Iterator[str]:
    about = f"{policy.document['Type']}{f', {policy.why}' if policy.why else ''}"
    indent = " " * 5
    document = _document(policy.document, _screen() - len(indent))
    yield from _placed(f"  {number:<3}{about:<{width + _LABEL - 1}}", policy.places, document, indent)


def _placed(line: str, places: Sequence[str], more: Sequence[str], indent: str) -> Iterator[str]:
    """The line with its places in their column, below it where they are too long; then what goes on below."""
    told = f"from {', '.join(places)}" if places else ""
    fits = len(line) + 2 + len(told) <= _screen()
    yield (f"{line}  {told}" if fits else line).rstrip()
    if not fits:
        yield f"{indent}{told}"
    yield from (f"{indent}{each}" for each in more)


def _document(document: dict[str, Any], width: int) -> list[str]:
    """JSON to copy, in as few lines as the width allows."""
    text = json.dumps(document, ensure_ascii=False)
    if len(text) <= width:
        return [text]
    first, *more = [
        f"{json.dumps(key)}: {json.dumps(each, ensure_ascii=False)}" for key, each in document.items()
    ]
    if max(map(len, (first, *more))) > width - 2:
        return json.dumps(document, ensure_ascii=False, indent=2).splitlines()
    lines = [f"{{{first}", *(f" {member}" for member in more)]
    return [*(f"{line}," for line in lines[:-1]), f"{lines[-1]}}}"]


def _parts(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def _wrapped(text: str) -> list[str]:
    """A point of a list."""
    first, *more = _parts(text, _screen() - 4)
    return [f"  - {first}", *(f"    {line}" for line in more)]
