"""Each kind that a table has is staged on a simulated node, and a test says that it was found there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from cni_hns.doctor.examine import kinds
from cni_hns.services.fault import KINDS
from tests.unit.services import test_faults

DOCTOR = Path(__file__).parent
# Over sources that say what a test wants them to, and over the tables.
SCRIPTED = {"test_causes.py", "test_reference.py", "test_finding.py", "test_every_kind.py"}
STAGED = [*(one for one in DOCTOR.glob("test_*.py") if one.name not in SCRIPTED), Path(test_faults.__file__)]


def _said_in(test: ast.AST) -> Iterator[str]:
    """The texts in a test, without what it says is not there."""
    if isinstance(test, ast.Compare) and any(isinstance(one, ast.NotIn | ast.NotEq) for one in test.ops):
        return
    if isinstance(test, ast.Constant) and isinstance(test.value, str):
        yield test.value
    for inner in ast.iter_child_nodes(test):
        yield from _said_in(inner)


def _tests_in(text: str) -> Iterator[ast.FunctionDef]:
    for one in ast.walk(ast.parse(text)):
        if isinstance(one, ast.FunctionDef) and one.name.startswith("test_"):
            yield one


def said(text: str) -> set[str]:
    """Every text that a test of this module names, in its table of cases or in itself."""
    return {name for test in _tests_in(text) for name in _said_in(test)}


FOUND = set().union(*(said(one.read_text(encoding="utf-8")) for one in STAGED))


@pytest.mark.parametrize("kind", dict.fromkeys([*kinds(), *KINDS]))
def test_a_kind_is_found_where_it_was_staged(kind: str) -> None:
    assert kind in FOUND, (
        f"no test stages {kind} on a node: see {DOCTOR.name}, {Path(test_faults.__file__).name}"
    )


def test_a_kind_that_is_only_said_not_to_be_there_is_not_found() -> None:
    text = """
NAMES = ["a-comment"]
def test_one():
    assert kind == "told"
    assert "absent" not in kinds
    assert kind != "other"
"""
    assert said(text) == {"told"}
