"""An IPAM plugin that notes how it was called and answers what the test has written down for it.

It is a script; where Windows programs are driven, which start nothing but programs, the same in C.

Rule: beside the plugin lie `calls`, a line of JSON for each call, and for each command that is to be answered
`<COMMAND>.stdout`, `.stderr`, `.exit` and, where it is never to come back, `.hang`; for one container alone,
`<COMMAND>-<container id>.stdout` and so on. While there is something in `.hold`, it waits. Then it does its
work: ADD makes the file `reserved`, DEL takes it away, and every command makes `<COMMAND>.done`.
"""

from __future__ import annotations

import functools
import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.packaging import current

__all__ = ["RESULT", "FakeIpam"]

SOURCE = Path(__file__).with_name("ipam_plugin.c")

RESULT = {
    "cniVersion": "1.1.0",
    "ips": [{"address": "10.88.0.77/24", "gateway": "10.88.0.1"}],
    "routes": [{"dst": "0.0.0.0/0"}, {"dst": "192.0.2.0/24", "gw": "10.88.0.9"}],
    "dns": {"nameservers": ["198.51.100.1"], "search": ["ipam.example"]},
}

_SCRIPT = """\
#!{python} -IS
import json, os, sys, time
folder = {folder!r}
command = os.environ["CNI_COMMAND"]
variables = {{key: value for key, value in os.environ.items() if key.startswith("CNI_")}}
call = {{"variables": variables, "stdin": sys.stdin.read()}}
with open(os.path.join(folder, "calls"), "a") as calls:
    calls.write(json.dumps(call) + "\\n")
key = command + "-" + os.environ.get("CNI_CONTAINERID", "")
if not os.path.exists(os.path.join(folder, key + ".exit")):
    key = command
def told(kind):
    try:
        with open(os.path.join(folder, key + "." + kind)) as file:
            return file.read()
    except FileNotFoundError:
        return ""
if told("hang"):
    time.sleep(600)
while told("hold"):
    time.sleep(0.01)
reserved = os.path.join(folder, "reserved")
if command == "ADD":
    open(reserved, "w").close()
if command == "DEL" and os.path.exists(reserved):
    os.unlink(reserved)
open(os.path.join(folder, command + ".done"), "w").close()
sys.stderr.write(told("stderr"))
sys.stdout.write(told("stdout"))
sys.exit(int(told("exit") or 0))
"""


class FakeIpam:
    """A plugin of this name in a folder for CNI_PATH."""

    def __init__(self, folder: Path, name: str = "fake-ipam") -> None:
        self.folder = folder
        self.path = current().path(folder)
        folder.mkdir()
        if current().on_windows:
            (folder / f"{name}.exe").symlink_to(_program())
        else:
            script = folder / name
            script.write_text(_SCRIPT.format(python=sys.executable, folder=str(folder)))
            script.chmod(script.stat().st_mode | stat.S_IXUSR)
        self.answer("ADD", RESULT)

    def answer(self, command: str, document: object = None, container: str = "", **more: Any) -> None:
        """What it does from now on when it is called with this command: stdout, stderr, exit, hang, hold."""
        key = f"{command}-{container}" if container else command
        told = {"stdout": "" if document is None else json.dumps(document), **more}
        for kind in ("stdout", "stderr", "exit", "hang", "hold"):
            (self.folder / f"{key}.{kind}").write_text(str(told.get(kind) or ""))

    def fail(self, command: str, code: int, msg: str, details: str = "", container: str = "") -> None:
        document = {"cniVersion": "1.1.0", "code": code, "msg": msg, "details": details}
        self.answer(command, document, container, exit=1)

    def release(self, command: str) -> None:
        """One that is held at this command goes on."""
        (self.folder / f"{command}.hold").write_text("")

    def has_done(self, command: str) -> bool:
        return (self.folder / f"{command}.done").exists()

    @property
    def has_reserved(self) -> bool:
        return (self.folder / "reserved").exists()

    @property
    def calls(self) -> list[dict[str, Any]]:
        file = self.folder / "calls"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def commands(self) -> list[str]:
        return [call["variables"]["CNI_COMMAND"] for call in self.calls]

    def is_running(self) -> bool:
        """Whether a process of it is there still."""
        words = {name.encode() for name in (str(self.folder), self.path)}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                line = (process / "cmdline").read_bytes()
            except OSError:
                continue  # it has ended meanwhile
            if any(word in line for word in words):
                return True
        return False


@functools.cache
def _program() -> Path:
    # Not right below /tmp: Wine knows no sticky folders, in which nobody can put another in its place.
    target = Path(tempfile.mkdtemp(prefix="cni-hns-"), "bin", "ipam.exe")
    target.parent.mkdir()
    compiler = os.environ.get("CNI_HNS_MINGW", "x86_64-w64-mingw32-gcc")
    subprocess.run([compiler, "-O1", "-Wall", "-Werror", "-o", str(target), str(SOURCE)], check=True)
    return target
