"""Nodes with nothing, one pod or several on them: made once, and copied for every input.

Rule: a node always lies in the same folder, whose name is in ledgers and configurations: a copy goes there.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from cni_hns.deadline import Deadline
from cni_hns.ledger import open_ledger
from cni_hns.ledger.blocks import Block, Blocks
from tests.behaviour.scene import plant
from tests.fuzz.seeds import ANSWER, BASES, PLUGIN, namespace
from tests.harness import SimulatedNode

__all__ = ["NETNS", "Workshop", "container", "realised"]

# The pods that may be on a node, and one more namespace for the pod that comes.
MOST_PODS = 3
NEW = MOST_PODS + 1

NETNS = {number: namespace(number) for number in range(1, NEW + 1)}

# What a shell writes with one `cat`: it starts a process for each.
_ENOUGH_BYTES = 1_000_000

# The absolute paths outside the node that an input may name: none of them can be harmed.
_HARMLESS = ("/dev/zero", "/dev/null", "/dev/full", "/dev/stdout")


def container(number: int) -> str:
    """The container id of the pod of this number."""
    return f"pod{number}"


def realised(value: Any, folder: Path) -> Any:
    """The value for the node in this folder: what is an absolute path otherwise is one inside it."""
    if isinstance(value, dict):
        return {realised(key, folder): realised(member, folder) for key, member in value.items()}
    if isinstance(value, list):
        return [realised(member, folder) for member in value]
    if not isinstance(value, str):
        return value
    if value.strip().startswith("/") and value not in _HARMLESS:
        value = "@NODE@" + value.strip()
    return value.replace("@NODE@", str(folder))


class Workshop:
    """Where one worker keeps its node and the patterns of it."""

    def __init__(self, folder: Path) -> None:
        self.node = folder / "node"
        self._patterns = folder / "patterns"
        self._patterns.mkdir(parents=True, exist_ok=True)

    def lay_out(self, base: str, pods: int) -> SimulatedNode:
        """The node as it is with this configuration and this many pods, new in its folder."""
        pattern = self._patterns / f"{base}-{pods}"
        if not pattern.exists():
            self._make(base, pods)
            os.rename(self.node, pattern)  # whole or not at all
        self._clear()
        shutil.copytree(pattern, self.node)
        os.mkfifo(self.node / "fifo")
        return SimulatedNode(self.node)

    def _clear(self) -> None:
        shutil.rmtree(self.node, ignore_errors=True)

    def _make(self, base: str, pods: int) -> None:
        self._clear()
        node = SimulatedNode(self.node)
        (self.node / "bin").mkdir()
        (self.node / "resolv.conf").write_text("nameserver 192.0.2.53\nsearch resolv.example\n")
        config = realised(copy.deepcopy(BASES[base].config), self.node)
        for guid in NETNS.values():
            node.hcn.namespaces.create({"SchemaVersion": {"Major": 2, "Minor": 0}}, guid).close()
        planted = BASES[base].planted
        if planted is not None:
            plant(node, planted[0], planted[1:], name=config["name"])
        if BASES[base].blocks:
            _claim(node, config["name"], BASES[base].blocks)
        for number in range(1, pods + 1):
            write_plugin(self.node, {"ADD": {"stdout": json.dumps(_answer(number))}})
            answer = node.call("ADD", config, container(number), NETNS[number], path=str(self.node / "bin"))
            if answer.exit_code != 0:
                raise RuntimeError(f"no node {base} with {pods} pods: {answer.stdout}")
        write_plugin(self.node, {"ADD": {"stdout": json.dumps(ANSWER)}})
        if pods:
            with contextlib.closing(sqlite3.connect(node.ledger_path)) as ledger, ledger:
                # A look at each is due: else it would be so five minutes after the pattern was made.
                ledger.execute("UPDATE attachments SET look_at = 0")
        node.close()
        node.simulator.close()


def _claim(node: SimulatedNode, network: str, spans: tuple[str, ...]) -> None:
    with contextlib.closing(open_ledger(node.ledger_path, Deadline(60))) as ledger:
        for span in spans:
            first, _, last = span.partition("-")
            Blocks(ledger).hold(Block(network, "blue", first, last))


def _answer(number: int) -> dict[str, Any]:
    return {**ANSWER, "ips": [{"address": f"10.88.0.{10 + number}/24", "gateway": "10.88.0.1"}]}


def write_plugin(folder: Path, answers: dict[str, dict[str, Any]]) -> None:
    """The IPAM plugin of the node: a real program, since what is tested is how one is run.

    For each command: `stdout` (`times` over), `stderr`, `exit`, `hang` (never ends) and `child` (leaves a
    process that keeps the pipes). A shell without a start-up file is up in a millisecond.
    """
    lines = ["#!/bin/sh", "case $CNI_COMMAND in"]
    for command, told in answers.items():
        lines.append(f"{command})")
        for kind, to in (("stderr", " >&2"), ("stdout", "")):
            if told.get(kind):
                file = folder / "bin" / f"{command}.{kind}"
                text = str(told[kind]).encode("utf-8", "surrogatepass")
                times = int(told.get("times", 1)) if kind == "stdout" else 1
                at_once = min(times, _ENOUGH_BYTES // len(text) + 1)
                file.write_bytes(text * at_once)
                lines.append(
                    f"n=0; while [ $n -lt {times} ]; do cat '{file}'{to} || exit 1; n=$((n+{at_once})); done"
                )
        lines += ["sleep 600 &"] if told.get("child") else []
        lines += ["exec sleep 600"] if told.get("hang") else []
        lines.append(f"exit {told.get('exit', 0)};;")
    program = folder / "bin" / PLUGIN
    program.write_text("\n".join([*lines, "esac", ""]))
    program.chmod(0o755)
