"""`cni-hns config check`: what is wrong with a network configuration, before a pod finds out."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.configurations import read_bytes
from cni_hns.cli.groups import Commands
from cni_hns.cli.output import print_json, print_paragraph
from cni_hns.cli.session import json_option
from cni_hns.cni.protocol import identifier_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cni_hns.dialects.findings import Finding

__all__ = ["config", "findings_of_file", "is_fault"]


@click.group(cls=Commands)
def config() -> None:
    """Network configurations."""


@config.command()
@click.argument("file")
@click.option(
    "--bin-dir",
    "folders",
    metavar="DIR",
    multiple=True,
    help="Folder of the CNI plugins: say, too, which of the file's programs it lacks; repeatable.",
)
@json_option
def check(file: str, folders: tuple[str, ...], as_json: bool) -> int:
    """Check a network configuration of any dialect that this program reads.

    Prints every finding with the path of its field. Exit code 1 if there are errors or warnings; notes say
    what a peer does otherwise, and what has no effect.
    """
    findings = [*findings_of_file(file, folders), *_before_it(file)]
    is_wrong = any(map(is_fault, findings))
    if as_json:
        print_json([{"id": finding.path, **finding._asdict()} for finding in findings])
        return int(is_wrong)
    for finding in findings:
        print_paragraph(f"{finding.severity}: ", str(finding))
    if not is_wrong:
        print_paragraph("", f"{file}: nothing is wrong")
    return int(is_wrong)


def is_fault(finding: Finding) -> bool:
    """Whether it is something to mend."""
    return finding.severity != "note"


def findings_of_file(path: str, folders: Sequence[str] = (), expected: Iterable[str] = ()) -> list[Finding]:
    """All that can be said of the file; with folders of plugins also which of its programs they lack.

    It is said to who has the file before him: no value of it is masked.

    Raises:
        Failure: it cannot be read.
    """
    # With the models and netaddr, as much to load as all the other commands together.
    from cni_hns.cli.programs import missing_programs
    from cni_hns.dialects.file_text import read_file
    from cni_hns.dialects.lint import check_file_text

    data = read_bytes(path)
    findings = [one.to_its_author() for one in check_file_text(data, os.path.basename(path))]
    document, _ = read_file(data)
    if document is not None:
        findings += _beside(path, document)
        findings += missing_programs(document, folders, expected) if folders else []
    return sorted(findings, key=lambda each: ("error", "warning", "note").index(each.severity))


def _before_it(path: str) -> list[Finding]:
    """containerd loads the first file of its folder by name, and as many as `max_conf_num` says, which is 1.

    Source: go-cni, loadFromConfDir.
    """
    from cni_hns.dialects.findings import Finding
    from cni_hns.dialects.libcni import LOADED

    folder, name = os.path.split(os.path.abspath(path))
    earlier = sorted(one for one in os.listdir(folder) if one.endswith(LOADED) and one < name)
    if not (earlier and name.endswith(LOADED)):
        return []
    words = "containerd loads one file of its folder, the first by name: here {} comes before this one"
    return [Finding("", words.format(earlier[0]), "note")]


def _beside(path: str, document: Mapping[str, Any]) -> list[Finding]:
    """libcni 1.3 and later runs, after a list's plugins, those in the folder that has the network's name.

    Source: https://www.cni.dev/docs/spec/#configuration-format, loadOnlyInlinedPlugins.
    """
    from cni_hns.dialects.findings import Finding

    name = document.get("name")
    only = str(document.get("loadOnlyInlinedPlugins", False)).lower() == "true"
    if only or "plugins" not in document or not isinstance(name, str) or identifier_fault(name):
        return []
    found = sorted(glob.glob(os.path.join(glob.escape(os.path.dirname(path)), name, "*.conf")))
    words = (
        "runtimes with libcni 1.3 or later run the plugins in {} after these, unless loadOnlyInlinedPlugins"
    )
    return [Finding("plugins", words.format(", ".join(found)), "note")] if found else []
