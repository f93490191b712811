"""Each command on terminals of both widths, on a node of which a pod lost its endpoint; and its JSON."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest

from cni_hns.__main__ import choose_hns
from cni_hns.deadline import Deadline
from cni_hns.ledger import open_ledger
from cni_hns.ledger.blocks import Block, Blocks
from tests.commands import COMMANDS
from tests.terminal import WIDTHS, Screen, needs_a_terminal, screen
from tests.unit.services.conftest import FAR, VIP, Cluster


class Ill(NamedTuple):
    """The pod without its endpoint, whose ids no screen may break, and the address of one that is well."""

    cluster: Cluster
    folder: Path
    sandbox: str
    endpoint: str
    address: str
    other: str
    container: str
    namespace: str
    network: str

    def screen(self, columns: int, *arguments: str) -> Screen:
        connect = choose_hns({"CNI_HNS_SIMULATOR": str(self.cluster.sim.folder)})
        return screen(self._with_places(arguments), columns, connect)

    def json(self, *arguments: str) -> Any:
        return json.loads(self.cluster.sim.command(*self._with_places((*arguments, "--json"))).stdout)

    def _with_places(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        """What containerd of this machine says is no matter of the test."""
        if arguments[0] not in ("doctor", "status", "diagnose"):
            return arguments
        (self.folder / "conf").mkdir(exist_ok=True)
        return (*arguments, "--conf-dir", str(self.folder / "conf"))


@contextlib.contextmanager
def ill_node(folder: Path) -> Iterator[Ill]:
    """What is written down without a folder goes there."""
    cluster = Cluster(folder / "node", "overlay")
    cluster.web(FAR)
    gone = cluster.locals[0]
    (row,) = [one for one in cluster.sim.rows() if one.endpoint_id == gone.id]
    cluster.sim.hcn.endpoints.delete(gone.id)
    other = cluster.pod()
    (found,) = [one for one in cluster.sim.rows() if one.endpoint_id == other.id]
    container, namespace = found.key.container_id, str(found.namespace_id)
    cluster.sim.simulator.start_container(namespace, container)
    (folder / "pods.conf").write_text(json.dumps(cluster.config))
    with contextlib.closing(open_ledger(cluster.sim.ledger_path, Deadline(30))) as ledger:
        Blocks(ledger).hold(Block("others", "blue", "10.99.0.0", "10.99.0.63"))
    ill = Ill(
        cluster=cluster,
        folder=folder,
        sandbox=row.key.container_id,
        endpoint=gone.id,
        address=gone.addresses[0][0],
        other=other.addresses[0][0],
        container=container,
        namespace=namespace,
        network=cluster.network.id,
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        yield ill
    cluster.close()


@pytest.fixture
def ill(tmp_path: Path) -> Iterator[Ill]:
    with ill_node(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def only_looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ill]:
    with ill_node(tmp_path_factory.mktemp("ill")) as made:
        yield made


@pytest.fixture
def subject(name: str, request: pytest.FixtureRequest) -> Ill:
    """Of the command with this name: one of its own, if it changes anything."""
    found = request.getfixturevalue("ill" if name in CHANGES else "only_looked_at")
    assert isinstance(found, Ill)
    return found


# What is typed, and the ids that have to be whole on its screen; both may name what the node has.
SCREENS = {
    "cluster settings": ("cluster settings", []),
    "config check": ("config check pods.conf", []),
    "config explain": ("config explain pods.conf", []),
    "container list": ("container list", ["{container}"]),
    "container ps": ("container ps {container}", []),
    "container show": ("container show {container}", ["{container}", "{namespace}"]),
    "container stats": ("container stats {container} --interval 0.01", ["{container}"]),
    "container stop": ("container stop {container} --force", ["{container}"]),
    "diagnose": ("diagnose --timeout 20 --output bundle.zip", []),
    "doctor": ("doctor", ["{sandbox}", "{endpoint}"]),
    "doctor --repair": ("doctor --repair --dry-run", ["{sandbox}"]),
    "endpoint delete": ("endpoint delete {other} --dry-run --force", []),
    "endpoint list": ("endpoint list", []),
    "endpoint show": ("endpoint show {other}", ["{namespace}"]),
    "gc": ("gc --dry-run", []),
    "ipam export": ("ipam export --host-local files", []),
    "ipam list": ("ipam list", ["{sandbox}", "{container}"]),
    "ipam release": ("ipam release kube-proxy", []),
    "ipam reserve": ("ipam reserve --network pods --owner gateway --address 10.88.0.99", []),
    "ledger rebuild": ("ledger rebuild --force", ["{container}"]),
    "namespace create": ("namespace create", []),
    "namespace delete": ("namespace delete {namespace} --dry-run --force", ["{namespace}"]),
    "namespace list": ("namespace list", ["{namespace}"]),
    "namespace show": ("namespace show {namespace}", ["{namespace}"]),
    "network create": ("network create --name more --mode nat --subnet 10.77.0.0/24", []),
    "network delete": ("network delete pods --dry-run --force", ["{network}"]),
    "network list": ("network list", ["{network}"]),
    "network show": ("network show pods", ["{network}"]),
    "pod list": ("pod list", ["{sandbox}"]),
    "pool list": ("pool list", ["10.99.0.0/26"]),
    "pod show": ("pod show {sandbox}", ["{sandbox}", "{endpoint}"]),
    "service create": (
        "service create --vip 10.96.0.77 --port 80 --backend {other} --source-vip 10.88.0.250",
        [],
    ),
    "service delete": (f"service delete {VIP}:80 --dry-run --force", []),
    "service explain": (f"service explain {VIP}:80", ["{endpoint}"]),
    "service list": ("service list", []),
    "service verify": ("service verify", ["{endpoint}"]),
    "status": ("status", []),
    "version": ("version", []),
}
CHANGES = {
    *("container stop", "diagnose", "ipam export", "ipam release", "ipam reserve", "ledger rebuild"),
    *("namespace create", "network create", "service create"),
}
TRACE = "trace --dry-run --output pod.pcapng {other}"
ELSEWHERE = {
    "agent": "lines in the course of time, with tests of their own",
    "cluster nodes": "it needs an agent, with whose it is tested",
    "cluster status": "it needs an agent, with whose it is tested",
    "completion": "a script for a shell",
    "conformance": "its report has tests of its own",
    "container create": "an object, as of show",
    "container events": "a line for each event, until Ctrl-C",
    "container exec": "what the command in the container prints",
    "container kill": "a line, as of stop",
    "container pause": "a line, as of stop",
    "container resume": "a line, as of stop",
    "container set": "an object, as of show",
    "container start": "a line, as of stop",
    "demo": "its screen is in the documentation, recorded on a terminal of 80 columns",
    "diagnose open": "a line to type",
    "install": "it needs the built program, with which it is tested",
    "help": "the help of all commands has a test",
    "ipam import": "a list, as of export",
    "metrics": "text for Prometheus",
    "trace": "commands, which are one line each to be copied",
    "uninstall": "a list, as of install",
}


def asked(ill: Ill, name: str) -> tuple[list[str], set[str]]:
    typed, ids = SCREENS.get(name, (TRACE, ["{other}"]))
    names = ill._asdict()
    return [one.format(**names) for one in typed.split()], {one.format(**names) for one in ids}


def test_no_command_is_forgotten() -> None:
    leaves = {" ".join(path) for path, one in COMMANDS.items() if not isinstance(one, click.Group)}
    shown = {name.partition(" --")[0] for name in SCREENS}
    assert leaves - shown - ELSEWHERE.keys() == set()
    assert not shown & ELSEWHERE.keys()


def is_to_be_copied(line: str) -> bool:
    """A line of JSON, or a path: no blank is in it where it could be folded."""
    return re.match(r'\s*[{"]', line) is not None or " " not in line.strip()


@needs_a_terminal
@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_fits_the_terminal_and_no_id_is_broken(subject: Ill, name: str, columns: int) -> None:
    typed, ids = asked(subject, name)
    seen = subject.screen(columns, *typed)
    assert seen.text.strip()
    lines = [line for line in seen.text.splitlines() if not is_to_be_copied(line)]
    assert max(map(len, lines)) <= columns, seen.text
    assert ids <= {word.strip(",:;()") for word in seen.text.split()}, seen.text


@needs_a_terminal
def test_a_command_that_will_be_run_is_one_line_to_copy(ill: Ill) -> None:
    typed, _ = asked(ill, "trace")
    lines = ill.screen(80, *typed).text.splitlines()
    assert all(one.startswith("pktmon ") for one in lines)


@pytest.mark.parametrize("name", [*SCREENS, "trace"])
def test_its_json_is_one_document(subject: Ill, name: str) -> None:
    typed, ids = asked(subject, name)
    told = json.dumps(subject.json(*typed))
    assert all(one in told for one in ids)


def test_a_scheduler_sees_by_the_exit_codes_that_the_node_is_ill(ill: Ill) -> None:
    for typed in (["doctor"], ["status"], ["service", "verify"], ["service", "explain", f"{VIP}:80"]):
        assert ill.screen(80, *typed).exit_code == 1, typed


def test_the_doctor_names_the_dark_pod_and_mends_it(ill: Ill) -> None:
    found = {one["kind"]: one for one in ill.json("doctor")}
    assert found["endpoint-missing"]["pods"] == [ill.sandbox]
    ill.cluster.sim.command("doctor", "--repair")
    assert ill.cluster.sim.endpoint(ill.endpoint).addresses[0][0] == ill.address
    assert "endpoint-missing" not in {one["kind"] for one in ill.json("doctor")}
