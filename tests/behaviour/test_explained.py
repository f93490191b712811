"""What `config explain` tells of a pod is what HNS then gets for one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.scene import NEEDS_DUAL_STACK, add, last
from tests.harness import SimulatedNode
from tests.packaging import current

CONF = Path(__file__).parents[2] / "conf"


def plugin_of(name: str, folder: Path) -> dict[str, Any]:
    """The sample's plugin, with the folders that a verb writes to moved to the test's."""
    document = json.loads((CONF / name).read_text(encoding="utf-8"))
    (plugin,) = document.get("plugins", [document])
    ipam = plugin["ipam"]
    if ipam["type"] == "host-local":
        ipam = {**ipam, "dataDir": current().path(folder / "host-local")}
    kept = {key: value for key, value in plugin.items() if key != "log"}
    return {**kept, "name": document["name"], "cniVersion": document["cniVersion"], "ipam": ipam}


@pytest.mark.parametrize(
    "name",
    [
        "l2bridge.conflist",
        pytest.param("l2bridge-dual-stack.conflist", marks=NEEDS_DUAL_STACK),
        "overlay.conflist",
        "sdnbridge.conf",
    ],
)
def test_the_endpoint_told_is_the_one_that_is_made(node: SimulatedNode, tmp_path: Path, name: str) -> None:
    config = plugin_of(name, tmp_path)
    file = tmp_path / "10.conf"
    file.write_text(json.dumps(config), encoding="utf-8")
    printed = node.command("config", "explain", current().path(file), "--json")
    (plugin,) = json.loads(printed.stdout)["plugins"]
    add(node, config)
    made = last(node)
    network = node.hcn.networks.get(made.network)
    (management,) = {
        policy["Settings"]["ProviderAddress"]
        for policy in network["Policies"]
        if policy["Type"] == "ProviderAddress"
    }
    told = json.dumps(plugin["endpoint"]).replace("<management address of the HCN network>", management)
    for address, _ in made.addresses:
        told = told.replace(f"<the pod's IPv{6 if ':' in address else 4} address>", address)
    expected = json.loads(told)
    assert [each["IpAddress"] for each in expected["IpConfigurations"]] == [ip for ip, _ in made.addresses]
    assert made.policies == expected["Policies"]
    hops = [(each["DestinationPrefix"], each["NextHop"]) for each in expected["Routes"]]
    assert made.routes == hops
    assert made.dns == expected["Dns"]
