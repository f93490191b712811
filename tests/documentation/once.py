"""What differs from run to run and from machine to machine, as it was once on a node with Windows."""

from __future__ import annotations

import re

from tests.documentation.situations import Situation

__all__ = ["as_once"]

_ONCE = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z( \([^)]*\))?"), "2026-11-29T03:14:15Z"),
    (re.compile(r"\b\d+(\.\d+)? ms\b"), "3 ms"),
    (re.compile(r"\b(up|Running)( +)\d+ s\b"), r"\1\g<2>5 h"),
    (re.compile(r"\b\d+ min ago\b"), "3 min ago"),
    (re.compile(r"\b\d+ KiB\b"), "76 KiB"),
    (re.compile(r"\b00-15-5D(-[0-9A-F]{2}){3}\b"), "00-15-5D-97-A4-02"),
]
_GUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")
_OF_SITUATIONS = "5f0c3b1e-0000-4111-8222-"
_OF_NETWORKS = "a0b7033c-dcfc-4820-a5b9-{:012d}"


def as_once(here: Situation, text: str) -> str:
    """What a command printed on this node, as the page shows it."""
    for pattern, shown in _ONCE:
        text = pattern.sub(shown, text)
    for folder, shown in _folders(here).items():
        text = text.replace(f"{folder}/", f"{shown}\\").replace(folder, shown)
    chosen = dict.fromkeys(guid for guid in _GUID.findall(text) if not guid.startswith(_OF_SITUATIONS))
    for number, guid in enumerate(chosen, start=1):
        text = text.replace(guid, _OF_NETWORKS.format(number))
    text = text.replace("\\bin\\cni-hns ", "\\bin\\cni-hns.exe ")
    text = text.replace("(the command line)", "(C:\\Program Files\\containerd\\config.toml)")
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _folders(here: Situation) -> dict[str, str]:
    return {
        str(here.node.folder / "cni-hns.log"): "C:\\ProgramData\\cni-hns\\cni-hns.log",
        str(here.node.folder / "cni-hns"): "C:\\ProgramData\\cni-hns",
        str(here.bin_dir): "C:\\Program Files\\containerd\\cni\\bin",
        str(here.conf_dir): "C:\\Program Files\\containerd\\cni\\conf",
    }
