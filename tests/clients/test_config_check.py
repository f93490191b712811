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


def is_read_by_libcni(cnitool: str, folder: Path, data: bytes, name: str) -> bool:
    (folder / name).write_bytes(data)
    done = subprocess.run(
        [cnitool, "add", NAME, "/var/run/netns/pod"],
        env={"NETCONFPATH": str(folder), "CNI_PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return "failed to find plugin" in done.stderr


@pytest.mark.parametrize("what", [*REFUSED, *READ])
def test_what_libcni_refuses_is_an_error_and_nothing_else_is(cnitool: str, tmp_path: Path, what: str) -> None:
    content, name = {**REFUSED, **READ}[what]
    data = content.encode() if isinstance(content, str) else content
    assert is_read_by_libcni(cnitool, tmp_path, data, name) == (what in READ)
    errors = [each for each in check_file_text(data, name) if each.severity == "error"]
    assert bool(errors) == (what in REFUSED), errors
