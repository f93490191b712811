"""A node with three pods whose ledger is damaged again and again, and what must hold of each verb.

The oracle. A verb on a damaged ledger ends with code 102 or 5 (STATUS: 50) and says what to do. SQLite
keeps no checksums: a flip in the middle of a value is not noticed, and then a verb may succeed, but
truthfully: what it says is what HNS has. Or it refuses because the ledger says otherwise (`OTHERWISE`).
Whatever it answers, no other pod loses anything in HNS, the file is not replaced, and a verb that failed has
made nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.harness import Answer, SimulatedNode, l2bridge

__all__ = ["OTHERWISE", "VERBS", "Pod", "Scene"]

VERBS = ["ADD", "repeated ADD", "CHECK", "DEL", "GC", "STATUS"]

_SAYS_SO = frozenset({5, 102})
OTHERWISE = frozenset({7, 11, 100, 101, 104, 105})
"""Codes of refusals that are about what the ledger now says, not about its file."""
_NOT_READY = 50
_NEXT_STEPS = ("cni-hns ledger rebuild", "newer cni-hns", "full access", "check the disk", "free some space")

_TIMEOUT_S = 5.0


class Pod:
    """One pod, as the runtime knows it."""

    def __init__(self, node: SimulatedNode, number: int, ifname: str = "eth0") -> None:
        """The `number` makes its ids: a place in the ledger means the same in each scene."""
        self.container, self.ifname = f"{number:064x}", ifname
        guid = f"{number:08x}-0000-4000-8000-000000000000"
        self.namespace = node.simulator.plant("namespace", {"ID": guid})
        self.result: dict[str, Any] = {}

    @property
    def entry(self) -> dict[str, str]:
        return {"containerID": self.container, "ifname": self.ifname}

    @property
    def address(self) -> str:
        return str(self.result["ips"][0]["address"]).partition("/")[0]


class Scene:
    """The node, put back before each damage. Its pods: two with eth0, one with net1."""

    def __init__(self, folder: Path) -> None:
        self.node = SimulatedNode(folder)
        self.pods = [Pod(self.node, *one) for one in enumerate(("eth0", "eth0", "net1"))]
        for pod in self.pods:
            answer = self.call("ADD", pod)
            assert answer.exit_code == 0, answer.words
            pod.result = answer.document
        self.newcomer = Pod(self.node, len(self.pods))
        self.ledger = Path(self.node.ledger_path)
        self.sound = self.ledger.read_bytes()
        self._hns = sqlite3.connect(":memory:")
        self.node.simulator.store._db.backup(self._hns)
        self._endpoints = self._dumped()

    def close(self) -> None:
        self._hns.close()
        self.node.close()

    def restore(self) -> None:
        """The node as it was before any damage."""
        for file in self.ledger.parent.iterdir():
            if file != self.ledger:
                file.unlink()
        self.ledger.write_bytes(self.sound)
        self._hns.backup(self.node.simulator.store._db)

    def call(self, verb: str, pod: Pod | None = None, **more: Any) -> Answer:
        """A verb about this pod, with all pods valid where it is a GC."""
        config = l2bridge(timeout=_TIMEOUT_S, **more)
        command = verb.removeprefix("repeated ")
        if command == "CHECK" and pod is not None:
            config["prevResult"] = pod.result
        if command == "GC":
            config["cni.dev/valid-attachments"] = [one.entry for one in self.pods]
        if pod is None or command in {"GC", "STATUS"}:
            return self.node.call(command, config)
        return self.node.call(command, config, pod.container, pod.namespace, ifname=pod.ifname)

    def verb_after(self, damage: Callable[[Path], None], verb: str) -> tuple[int, list[str]]:
        """One verb on the damaged ledger: its code (0 for success), and what is wrong with it."""
        self.restore()
        damage(self.ledger)
        inode = self.ledger.stat(follow_symlinks=False).st_ino
        pod = self.newcomer if verb == "ADD" else self.pods[0]
        try:
            answer = self.call(verb, pod)
        except Exception as fault:
            return -1, [f"{type(fault).__name__} came out of the front door: {fault}"]
        wrong = list(self._wrong_with(verb, answer))
        if self.ledger.stat(follow_symlinks=False).st_ino != inode:
            wrong.append("the file was replaced")
        return (answer.document["code"] if answer.exit_code else 0), wrong

    def rebuild_after(self, damage: Callable[[Path], None], *, thoroughly: bool) -> tuple[bool, list[str]]:
        """`cni-hns ledger rebuild` on the damaged ledger: whether it took it for sound, and what is wrong.

        `thoroughly`: verbs are tried on it too.
        """
        self.restore()
        damage(self.ledger)
        try:
            done = self.node.command("ledger", "rebuild", "--json")
            sound = done.exit_code != 0 and "is sound" in done.stderr
            if sound:
                done = self.node.command("ledger", "rebuild", "--json", "--force")
        except Exception as fault:
            return False, [f"the rebuild ended with {type(fault).__name__}"]
        if done.exit_code != 0:
            return sound, [f"the rebuild failed: {done.stderr or done.stdout}"]
        wrong = [*self._not_brought_back(), *self._moved({})]
        return sound, wrong or (list(self._verbs_after_a_rebuild()) if thoroughly else [])

    def _wrong_with(self, verb: str, answer: Answer) -> list[str]:
        if answer.exit_code == 0:
            return self._untrue(verb, answer)
        code = answer.document.get("code")
        # A DEL that failed may have taken its own endpoint out of HNS before.
        wrong = self._moved({self.pods[0].container: None} if verb == "DEL" else {}, optional=True)
        if code in _SAYS_SO or (verb == "STATUS" and code == _NOT_READY):
            if not any(words in answer.words for words in _NEXT_STEPS):
                wrong.append(f"no next step: {answer.words}")
        elif code not in OTHERWISE:
            wrong.append(f"code {code}: {answer.words}")
        return wrong

    def _untrue(self, verb: str, answer: Answer) -> list[str]:
        """In what a success is no truth."""
        if verb == "ADD":
            return self._moved({self.newcomer.container: answer.addresses[0].partition("/")[0]})
        if verb == "DEL":
            return self._moved({self.pods[0].container: None})
        wrong = self._moved({})
        if verb == "repeated ADD" and answer.document != self.pods[0].result:
            before, now = self.pods[0].result, answer.document
            changed = [key for key in sorted(before.keys() | now.keys()) if before.get(key) != now.get(key)]
            wrong.append(f"it answers other {' and '.join(changed)} than HNS has")
        return wrong

    def _moved(self, meant: dict[str, str | None], *, optional: bool = False) -> list[str]:
        """What HNS has otherwise than before, beside what is meant: containers' addresses, None for gone."""
        wrong, now = [], self._dumped()
        for name in sorted(self._endpoints.keys() | now.keys()):
            container = name.partition("_")[0]
            if container not in meant:
                if self._endpoints.get(name) != now.get(name):
                    wrong.append(f"{self._who(container)}'s endpoint is not what it was")
                continue
            wanted, there = meant[container], now.get(name)
            if wanted is None:
                if there is not None and not optional:
                    wrong.append(f"{self._who(container)}'s endpoint is still there")
            elif there is None or wanted not in there or self._has_another_pod(wanted):
                wrong.append(f"{self._who(container)} was told {wanted}, which it has not or not alone")
        wrong += [
            f"no endpoint of {self._who(one)}"
            for one, address in meant.items()
            if address and not any(name.startswith(one) for name in now)
        ]
        return wrong

    def _has_another_pod(self, address: str) -> bool:
        return address in [pod.address for pod in self.pods]

    def _who(self, container: str) -> str:
        for number, pod in enumerate(self.pods):
            if pod.container == container:
                return f"pod {number} ({pod.ifname})"
        return "the newcomer"

    def _dumped(self) -> dict[str, str]:
        """Every endpoint by its name, with all that HNS says of it and the namespaces that list it."""
        dump = self.node.simulator.dump()
        return {
            one["Name"]: json.dumps(one, sort_keys=True)
            + " in "
            + ", ".join(sorted(space["ID"] for space in dump["namespaces"] if one["ID"] in json.dumps(space)))
            for one in dump["endpoints"]
        }

    def _not_brought_back(self) -> list[str]:
        rows = {row.key.container_id: row.phase for row in self.node.rows()}
        leases = {(lease.container_id, lease.address) for lease in self.node.leases()}
        return [
            f"{self._who(pod.container)} is not brought back: row {rows.get(pod.container)}"
            for pod in self.pods
            if rows.get(pod.container) != "ready" or (pod.container, pod.address) not in leases
        ]

    def _verbs_after_a_rebuild(self) -> list[str]:
        wrong = []
        for verb, pod in [*(("CHECK", pod) for pod in self.pods), ("ADD", self.newcomer)]:
            answer = self.call(verb, pod)
            if answer.exit_code:
                wrong.append(f"after the rebuild {verb} of {self._who(pod.container)}: {answer.words}")
            elif verb == "ADD":
                wrong += self._untrue("ADD", answer)
        for pod in [*self.pods, self.newcomer]:
            answer = self.call("DEL", pod)
            if answer.exit_code:
                wrong.append(f"after the rebuild DEL of {self._who(pod.container)}: {answer.words}")
        if self._dumped():
            wrong.append(f"after the rebuild and all DELs there is still {', '.join(self._dumped())}")
        return wrong
