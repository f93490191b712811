"""A simulated node as `doctor` sees it with all that lies around it: real ADDs, real reading, no process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cni_hns.cli.session import Session
from cni_hns.cli.surroundings import RuntimePlaces, look_beside
from cni_hns.doctor.examine import examine
from cni_hns.doctor.finding import Finding
from cni_hns.doctor.picture import Picture
from cni_hns.survey.look import look
from tests.harness import SimulatedNode, container_id, l2bridge

LIMIT_S = 20.0


class Staged:
    """`examined()` is what doctor finds; `one("kind")` the only finding of a kind."""

    def __init__(self, node: SimulatedNode, folder: Path) -> None:
        self.node = node
        self.bin, self.conf = folder / "bin", folder / "conf"
        self.bin.mkdir()
        self.conf.mkdir()

    def add(self, config: dict[str, Any] | None = None, **more: Any) -> str:
        """A pod whose container runs; its id."""
        pod, namespace = container_id(), self.node.namespace()
        answer = self.node.call("ADD", {**(config or l2bridge()), **more}, pod, namespace)
        assert answer.exit_code == 0, answer.words
        self.node.simulator.start_container(namespace, pod)
        return pod

    def configure(self, name: str, document: dict[str, Any]) -> Path:
        path = self.conf / name
        path.write_text(json.dumps(document))
        return path

    def put(self, name: str = "cni-hns") -> None:
        (self.bin / name).write_bytes(b"another program")

    def picture(self, *, with_notes: bool = False) -> Picture:
        """`with_notes`: a source is to be missing."""
        simulator = self.node.simulator
        session = Session(lambda: (simulator.libraries(), simulator.machine()))
        try:
            node = session.node_with_ledger(None, None)
            seen = look(node, lambda: session.systems(LIMIT_S).enumerate(None, LIMIT_S))
            runtime = RuntimePlaces(str(self.bin), str(self.conf))
            host, configuration = look_beside(session, runtime, self.node.ledger_path, LIMIT_S)
        finally:
            session.close()
        assert bool(seen.notes or host.notes) is with_notes, (seen.notes, host.notes)
        return Picture.of(seen, host, configuration)

    def examined(self, **changes: Any) -> list[Finding]:
        """`changes` are of the picture."""
        return examine(self.picture()._replace(**changes))

    def one(self, kind: str) -> Finding:
        found = self.examined()
        assert [one.kind for one in found] == [kind], found
        return found[0]
