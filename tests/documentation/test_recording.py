"""The recording of the demo is made by a command, and shows what the demo shows."""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.documentation.pages import DOCS

SHOWN = DOCS / "demo.svg"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a Unix' terminal is recorded")


def words(picture: Path) -> str:
    text = " ".join(ElementTree.fromstring(picture.read_text(encoding="utf-8")).itertext())  # noqa: S314 - ours
    return " ".join(text.replace("\xa0", " ").split())


def test_the_command_makes_a_picture_of_what_a_terminal_shows(tmp_path: Path) -> None:
    from tests.documentation.recording import main

    picture = tmp_path / "version.svg"
    main(["--out", str(picture), "version"])
    assert "$ cni-hns version" in words(picture)
    assert "1.1.0" in words(picture)


@pytest.mark.parametrize("name", ["demo.svg", "node.svg"])
def test_a_picture_fetches_nothing(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    assert re.findall(r"(?:url|href|src)\W{1,3}https?:", text) == []


def test_the_kept_recording_is_one_of_a_demo_that_went_well() -> None:
    assert "$ cni-hns demo" in words(SHOWN)
    assert "nothing is left over" in words(SHOWN)
