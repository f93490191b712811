"""HNS hangs: a command that asks it for what it prints ends by itself, and says which call hung."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cni_hns.simulator import Simulator
from tests.unit.cli.conftest import Node

# In a process of its own: what hangs can only be ended with it.
COMMAND = """
import sys
from cni_hns.__main__ import choose_hns
from cni_hns.binding import patience
from cni_hns.cli import main, session

patience._GRACE_S = session._TIMEOUT_S = 0.1
sys.exit(main(sys.argv[2:], choose_hns({"CNI_HNS_SIMULATOR": sys.argv[1]})))
"""


@pytest.mark.parametrize(
    ("function", "typed"),
    [
        ("HcnEnumerateNetworks", "network list"),
        ("HcnEnumerateEndpoints", "endpoint list --json"),
        ("HcnEnumerateNamespaces", "namespace show 0123"),
        ("HcnCreateNetwork", "network create --name l2b --mode l2bridge --subnet 10.1.0.0/24"),
        ("HNSCall", "version"),
    ],
)
def test_a_call_that_does_not_come_back_is_given_up(
    node: Node, simulator: Simulator, function: str, typed: str
) -> None:
    simulator.inject(function=function, hang=True, count=0)
    command = [sys.executable, "-c", COMMAND, str(node.folder), *typed.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"cni-hns: {function}" in done.stderr
    assert "has not come back for 0 s: HNS hangs. Next: `cni-hns status`" in done.stderr
