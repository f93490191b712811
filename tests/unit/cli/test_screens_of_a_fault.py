"""A node on which a pod lost its endpoint: what each command that looks at all of it shows, and its JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cni_hns.__main__ import choose_hns
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


@pytest.fixture
def ill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ill]:
    monkeypatch.chdir(tmp_path)
    cluster = Cluster(tmp_path / "node", "overlay")
    cluster.web(FAR)
    gone = cluster.locals[0]
    (row,) = [one for one in cluster.sim.rows() if one.endpoint_id == gone.id]
    cluster.sim.hcn.endpoints.delete(gone.id)
    other = cluster.pod().addresses[0][0]
    yield Ill(cluster, tmp_path, row.key.container_id, gone.id, gone.addresses[0][0], other)
    cluster.close()


# What is typed, and the ids that have to be whole on its screen; both may name what the node has.
SCREENS = {
    "status": ("status", []),
    "doctor": ("doctor", ["{sandbox}", "{endpoint}"]),
    "repair": ("doctor --repair --dry-run", ["{sandbox}"]),
    "pod list": ("pod list", ["{sandbox}"]),
    "pod show": ("pod show {sandbox}", ["{sandbox}", "{endpoint}"]),
    "service list": ("service list", []),
    "service explain": (f"service explain {VIP}:80", ["{endpoint}"]),
    "service verify": ("service verify", ["{endpoint}"]),
    "gc": ("gc --dry-run", []),
    "diagnose": ("diagnose --timeout 20 --output bundle.zip", []),
}
TRACE = "trace --dry-run --output pod.pcapng {other}"


def asked(ill: Ill, name: str) -> tuple[list[str], set[str]]:
    typed, ids = SCREENS.get(name, (TRACE, ["{other}"]))
    names = ill._asdict()
    return [one.format(**names) for one in typed.split()], {one.format(**names) for one in ids}


@needs_a_terminal
@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_fits_the_terminal_and_no_id_is_broken(ill: Ill, name: str, columns: int) -> None:
    typed, ids = asked(ill, name)
    seen = ill.screen(columns, *typed)
    assert seen.text.strip()
    assert seen.fits(columns), seen.text
    assert ids <= {word.strip(",:;()") for word in seen.text.split()}, seen.text


@needs_a_terminal
def test_a_command_that_will_be_run_is_one_line_to_copy(ill: Ill) -> None:
    typed, _ = asked(ill, "trace")
    lines = ill.screen(80, *typed).text.splitlines()
    assert all(one.startswith("pktmon ") for one in lines)


@pytest.mark.parametrize("name", [*SCREENS, "trace"])
def test_its_json_is_one_document(ill: Ill, name: str) -> None:
    typed, ids = asked(ill, name)
    told = json.dumps(ill.json(*typed))
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
