"""Every page says what is so, and reads the same on GitHub and as a site."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documentation import reading
from tests.documentation.known import unknown
from tests.documentation.pages import PAGES, ROOT, path, written

WRITTEN = written()


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="paths in what commands print are those of the machine")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_the_program_is_as_the_program_makes_it(name: str) -> None:
    """`python -m tests.documentation` mends it."""
    assert path(name).read_text(encoding="utf-8") == PAGES[name]()


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("pod list --json", ""),
        ("pod lst", "there is no command `cni-hns pod lst`"),
        ("network create --sbunet 10.0.0.0/8", "`cni-hns network create` has no option --sbunet"),
        ("container exec ID -- ping --no-such", ""),
        ("container …", ""),
    ],
)
def test_what_is_unknown_of_a_typed_command_is_named(words: str, fault: str) -> None:
    assert unknown(tuple(words.split())) == fault


@pytest.mark.parametrize("page", WRITTEN)
def test_every_command_that_a_page_has_the_reader_type_exists(page: str) -> None:
    told = [f"{page}:{line}: {unknown(words)}" for line, words in reading.typed(read(page)) if unknown(words)]
    assert not told, "\n".join(told)


def test_commands_are_found_in_blocks_and_in_sentences() -> None:
    page = "Run `cni-hns gc --dry-run` or\n\n```sh\n$ A=b .venv/bin/cni-hns pod \\\n  list | sort\n```\n"
    assert list(reading.typed(page)) == [(1, ("gc", "--dry-run")), (5, ("pod", "list"))]


@pytest.mark.parametrize("page", WRITTEN)
def test_links_lead_somewhere(page: str) -> None:
    assert [link for link in reading.links(read(page)) if not leads_somewhere(page, link)] == []


def leads_somewhere(page: str, link: str) -> bool:
    """A file, and in a page the heading."""
    name, _, anchor = link.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), name)) if name else page
    if not (ROOT / target).exists():
        return False
    return not anchor or anchor in reading.anchors(read(target))


@pytest.mark.parametrize(
    "link", ["docs/nowhere.md", "docs/errors.md#nothing", "#nothing"], ids=["page", "anchor", "own anchor"]
)
def test_a_broken_link_is_seen(link: str) -> None:
    assert not leads_somewhere("README.md", link)
    assert leads_somewhere("README.md", "docs/errors.md#codes")


@pytest.mark.parametrize("page", [page for page in WRITTEN if page.startswith("docs/")])
def test_a_page_of_the_site_links_to_nothing_outside_of_it(page: str) -> None:
    folder = posixpath.dirname(page)
    targets = [
        posixpath.normpath(posixpath.join(folder, link.partition("#")[0]))
        for link in reading.links(read(page))
    ]
    assert [target for target in targets if target != folder and not target.startswith("docs/")] == []


@pytest.mark.parametrize("page", WRITTEN)
def test_lists_are_lists_for_every_reader(page: str) -> None:
    assert reading.tight_lists(read(page)) == []


def test_every_page_is_in_the_navigation() -> None:
    navigation = read(".mkdocs.yml")
    pages = [page.removeprefix("docs/") for page in WRITTEN if page.startswith("docs/")]
    assert [page for page in pages if f": {page}\n" not in navigation] == []


@pytest.mark.skipif(os.name == "nt", reason=".ci/run is for a Unix")
def test_the_step_that_builds_the_site_ends_at_a_broken_link(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the extra `docs` is not installed")
    (command,) = re.findall(r"\.venv/bin/(mkdocs build .*)", read(".ci/run"))
    shutil.copy(ROOT / ".mkdocs.yml", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    with (tmp_path / "docs/index.md").open("a", encoding="utf-8") as index:
        index.write("\n[nothing](errors.md#nothing)\n")
    built = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert built.returncode == 1
    assert "#nothing" in built.stderr
