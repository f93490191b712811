"""The tables of kinds: complete, consistent, and each command in them can be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from cni_hns.cli.app import cli
from cni_hns.doctor.checks import pods
from cni_hns.doctor.examine import AREAS, kinds
from cni_hns.doctor.finding import Kind
from cni_hns.doctor.reference import page
from cni_hns.doctor.repair import REPAIRS
from cni_hns.survey import mismatches
from tests.commands import context_of

DOCS = Path(__file__).parents[3] / "docs"
NAME = r"{\w+}"


def commands_in(remedy: str) -> list[str]:
    """Those between backticks; a remedy without any is one command, if it begins as one."""
    quoted = re.findall(r"`(cni-hns [^`]*)`", remedy)
    return quoted or ([remedy] if remedy.startswith("cni-hns ") else [])


def parse(command: str) -> None:
    """As click would before it runs it. Raises: click.ClickException."""
    words = shlex.split(re.sub(NAME, "x", command))[1:]
    found: click.Command = cli
    context = context_of(cli, "cni-hns")
    while isinstance(found, click.Group):
        word = words.pop(0)
        inner = found.get_command(context, word)
        if inner is None:
            raise click.UsageError(f"there is no command {word}")
        context = click.Context(inner, parent=context, info_name=word)
        found = inner
    found.parse_args(context, words)


ALL = [pytest.param(kind, id=name) for name, kind in kinds().items()]


@pytest.mark.parametrize("kind", ALL)
def test_each_command_in_a_remedy_can_be_typed(kind: Kind) -> None:
    for command in commands_in(kind.remedy):
        parse(command)
    rest = re.sub(r"`[^`]*`", "", kind.remedy)
    assert rest.startswith("cni-hns ") or "cni-hns" not in rest, "a command stands between backticks"


@pytest.mark.parametrize(
    "command", ["cni-hns zoo", "cni-hns gc --zoo", "cni-hns pod show", "cni-hns pod zoo x"]
)
def test_a_command_that_is_spelt_wrong_would_be_seen(command: str) -> None:
    with pytest.raises(click.ClickException):
        parse(command)


def test_no_kind_has_two_tables() -> None:
    assert len(kinds()) == sum(len(area.kinds) for area in AREAS.values())


def test_each_repair_is_one_that_the_doctor_can_do() -> None:
    assert {kind.repair for kind in kinds().values()} == {"", *REPAIRS}


def test_each_mismatch_of_a_pod_is_told_by_some_finding() -> None:
    made = re.findall(r'Mismatch\(\s*"([\w-]+)"', Path(mismatches.__file__).read_text(encoding="utf-8"))
    told = set(pods.AREA.kinds) | set(pods.RENAMED) | pods.TOLD_ELSEWHERE
    assert set(made) == told & set(made)


def test_the_page_about_findings_is_up_to_date() -> None:
    """`cni-hns doctor --kinds > docs/findings.md`"""
    assert (DOCS / "findings.md").read_text(encoding="utf-8") == page()
