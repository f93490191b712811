"""The tests for a real HNS as they run on Windows: a Windows CPython and DLLs of System32, stand-ins here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cni_hns.simulator.server import serve
from tests.harness import ROOT, SimulatedNode
from tests.lane import Lane

FOLDER = "tests/real_hns"


@pytest.mark.timeout(400)
@pytest.mark.parametrize("program", ["module", "exe"])
def test_they_pass_where_the_simulated_hns_stands_in_for_the_real_one(
    node: SimulatedNode, lane: Lane, wine: None, tmp_path: Path, program: str
) -> None:
    """All probes and one attachment; verbs start slowly under Wine, and each is a rehearsal besides."""
    with node.hcn.networks.create({"Name": "pods", "Type": "NAT"}):
        pass
    which = [f"{FOLDER}/test_verbs.py::test_del_takes_the_endpoint_and_leaves_the_namespace"]
    variables = {
        "CNI_HNS_NETWORK": "pods",
        "PYTHONPATH": lane.windows_path(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if program == "exe":
        variables["CNI_HNS_EXE"] = lane.windows_path(lane.exe(windows=True))
    else:
        which.append(f"{FOLDER}/test_probes.py")
    options = [
        "-q",
        "-m",
        "real_hns",
        "-p",
        "no:cacheprovider",
        "--basetemp",
        lane.windows_path(tmp_path / "temp"),
    ]
    options += ["--junit-xml", lane.windows_path(tmp_path / "real-hns.xml")]
    with serve(node.simulator) as address:
        done = subprocess.run(
            lane.launch_command(lane.python, "-m", "pytest", *options, *which),
            env=lane.launch_environment({**variables, "CNI_HNS_STANDIN": address}),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=390,
            check=False,
        )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert node.hcn.endpoints.ids() == []
