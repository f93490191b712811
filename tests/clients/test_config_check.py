"""What libcni makes of a file before it asks any plugin, and what `config check` says of the same file.

cnitool, as released, reads the file; that it misses the plugin tells that it got as far as looking for one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cni_hns.dialects.lint import check_file_text
from tests.harness import ROOT
from tests.lane import Lane

SINGLE = (ROOT / "conf" / "l2bridge.conf").read_text(encoding="utf-8").strip()
LISTED = (ROOT / "conf" / "l2bridge.conflist").read_text(encoding="utf-8").strip()
NAME = "l2bridge"

REFUSED: dict[str, tuple[str | bytes, str]] = {
    "a byte order mark": ("\ufeff" + SINGLE, "10.conf"),
    "UTF-16": (SINGLE.encode("utf-16"), "10.conf"),
    "a no-break space": ("\u00a0" + SINGLE, "10.conf"),
    "curly quotes": (SINGLE.replace('"', "“", 1), "10.conf"),
    "a comment": (SINGLE + " // why", "10.conf"),
    "a comma too many": (SINGLE[:-1] + ",}", "10.conf"),
    "single quotes": (SINGLE.replace('"', "'"), "10.conf"),
    "a single backslash": (SINGLE.replace("Ethernet", "C:\\Program"), "10.conf"),
    "a tab in a text": (SINGLE.replace("Ethernet", "Ether\tnet"), "10.conf"),
    "two documents": (SINGLE * 2, "10.conf"),
    "no type": (SINGLE.replace('"type": "cni-hns",', "", 1), "10.conf"),
    "a list in .conf": (LISTED, "10.conf"),
    "a list in .json": (LISTED, "10.json"),
    "one plugin in .conflist": (SINGLE, "10.conflist"),
    "an empty list": (json.dumps({**json.loads(LISTED), "plugins": []}), "10.conflist"),
    "a capability that is text": (SINGLE.replace("true", '"yes"', 1), "10.conf"),
}
READ: dict[str, tuple[str | bytes, str]] = {
    "a single plugin": (SINGLE, "10.conf"),
    "a single plugin in .json": (SINGLE, "10.json"),
    "a list": (LISTED, "10.conflist"),
    "a key twice": (SINGLE[:-1] + f', "name": "{NAME}"}}', "10.conf"),
    "another encoding": (SINGLE.replace("Ethernet", "Küche").encode("cp1252"), "10.conf"),
    "no version": (SINGLE.replace('"cniVersion": "1.1.0",', ""), "10.conf"),
}


@pytest.fixture
def cnitool(lane: Lane) -> str:
    if sys.platform != "linux":
        pytest.skip("the released program for Linux is run")
    return str(lane.program("cnitool", windows=False))


def said_by_libcni(cnitool: str, folder: Path, data: bytes, name: str) -> str:
    (folder / name).write_bytes(data)
    done = subprocess.run(
        [cnitool, "add", NAME, "/var/run/netns/pod"],
        env={"NETCONFPATH": str(folder), "CNI_PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stderr


def is_read_by_libcni(cnitool: str, folder: Path, data: bytes, name: str) -> bool:
    return "failed to find plugin" in said_by_libcni(cnitool, folder, data, name)


def listed(**changes: object) -> str:
    return json.dumps({**json.loads(LISTED), **changes})


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param(LISTED, "10.conf", id="a list in .conf"),
        pytest.param(SINGLE, "10.conflist", id="one plugin in .conflist"),
        pytest.param(SINGLE, "10.yaml", id="a suffix that is not loaded"),
        pytest.param(SINGLE, "10.CONF", id="a suffix in capitals"),
        pytest.param(listed(plugins=[]), "10.conflist", id="no plugins"),
        pytest.param(listed(plugins={}), "10.conflist", id="plugins as an object"),
        pytest.param(listed(plugins=None), "10.conflist", id="plugins null"),
        pytest.param(listed(plugins=[5]), "10.conflist", id="a number"),
        pytest.param(listed(plugins=[{"type": "x"}, {}]), "10.conflist", id="no type"),
        pytest.param(listed(plugins=[{"type": 5}]), "10.conflist", id="type a number"),
        pytest.param(listed(name=5), "10.conflist", id="name a number"),
        pytest.param(listed(cniVersion=True), "10.conflist", id="version a boolean"),
        pytest.param(listed(disableCheck="maybe"), "10.conflist", id="no truth"),
        pytest.param(listed(disableGC=[]), "10.conflist", id="a switch that is a list"),
    ],
)
def test_what_libcni_says_is_quoted(cnitool: str, tmp_path: Path, content: str, name: str) -> None:
    said = said_by_libcni(cnitool, tmp_path, content.encode(), name)
    quoted = [
        each.message.partition("(libcni: ")[2].removesuffix(")")
        for each in check_file_text(content, name)
        if "(libcni: " in each.message
    ]
    assert quoted
    assert quoted[0] in said


@pytest.mark.parametrize("what", [*REFUSED, *READ])
def test_what_libcni_refuses_is_an_error_and_nothing_else_is(cnitool: str, tmp_path: Path, what: str) -> None:
    content, name = {**REFUSED, **READ}[what]
    data = content.encode() if isinstance(content, str) else content
    assert is_read_by_libcni(cnitool, tmp_path, data, name) == (what in READ)
    errors = [each for each in check_file_text(data, name) if each.severity == "error"]
    assert bool(errors) == (what in REFUSED), errors
