"""A simulated node as `doctor` sees it with all that lies around it: real ADDs, real reading."""

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
from tests.exes import CONTENTS, layout, write_exe
from tests.harness import SimulatedNode, container_id, l2bridge

LIMIT_S = 20.0


class Staged:
    """`examined()` is what doctor finds, `one("kind")` its only finding; `told("kind")` that of the command.

    containerd loads another plugin's configuration, behind which a test may put its own.
    """

    def __init__(self, node: SimulatedNode, folder: Path) -> None:
        self.node = node
        self.bin, self.conf = folder / "bin", folder / "conf"
        self.bin.mkdir()
        self.conf.mkdir()
        self.put("bridge")
        self.default = self.configure(
            "zz-other.conf", {"cniVersion": "1.0.0", "name": "other", "type": "bridge"}
        )

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

    def install(self, version: str, *, is_single: bool = False) -> Path:
        """The exe of a build of this program, in place of what `put` laid there."""
        about = layout(version, "inside")
        if not is_single:
            (self.bin / "inside").mkdir()
            (self.bin / "inside" / "layout.json").write_bytes(about)
        entries = {f"{CONTENTS}inside": b"", **({"layout.json": about} if is_single else {})}
        return write_exe(self.bin / "cni-hns", entries)

    def containerd(self) -> tuple[str, str]:
        """Options by which containerd's own configuration says the places."""
        path = self.bin.parent / "config.toml"
        table = "[plugins.'io.containerd.cri.v1.runtime'.cni]"
        path.write_text(f"{table}\nbin_dir = '{self.bin}'\nconf_dir = '{self.conf}'\n")
        return "--containerd-config", str(path)

    @property
    def places(self) -> tuple[str, ...]:
        """Options that say the runtime's places."""
        return "--bin-dir", str(self.bin), "--conf-dir", str(self.conf)

    def doctor(self, *options: str) -> list[dict[str, Any]]:
        """What the command prints of this node; with options, they say the runtime's places."""
        printed = self.node.command("doctor", "--json", *(options or self.places))
        found: list[dict[str, Any]] = json.loads(printed.stdout)
        assert printed.exit_code == any(one["severity"] == "ill" for one in found), printed.stderr
        return found

    def told(self, kind: str, *options: str) -> dict[str, Any]:
        found = self.doctor(*options)
        assert [one["kind"] for one in found] == [kind], found
        return found[0]

    def one(self, kind: str) -> Finding:
        found = self.examined()
        assert [one.kind for one in found] == [kind], found
        return found[0]
