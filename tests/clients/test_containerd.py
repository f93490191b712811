"""containerd 1.6 with its own CRI starts our plugin for real sandboxes; kubelet's part is played by `cri`.

On Windows containerd makes a pod's HCN namespace itself; here it is made around our plugin
(plugin_of_windows.sh).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.scene import policies_of
from tests.clients.containerd_host import Containerd, Sandbox, containerd, pod
from tests.harness import SimulatedNode
from tests.lane import Lane


@pytest.fixture
def host(tmp_path: Path, node: SimulatedNode, lane: Lane) -> Iterator[Containerd]:
    """A running containerd, and at the end none of its processes and mounts."""
    if os.geteuid() != 0:
        pytest.skip("containerd makes network namespaces and mounts: only root may")
    with containerd(tmp_path / "containerd", node, lane) as running:
        yield running


def pods_seen(host: Containerd) -> list[dict[str, Any]]:
    """What `cni-hns pod list --cri` tells."""
    ran = host.node.command("pod", "list", "--cri", host.cri, "--json")
    assert ran.exit_code == 0, ran
    return list(json.loads(ran.stdout))


def until_ended(host: Containerd, sandbox: Sandbox) -> None:
    """containerd learns of the end of a process a little later."""
    while {one.id: one.state for one in host.sandboxes()}[sandbox.id] != "SANDBOX_NOTREADY":
        time.sleep(0.05)


def stopped_and_removed(host: Containerd, *sandboxes: Sandbox) -> None:
    host.stop_sandboxes(*sandboxes)
    host.remove_sandboxes(*sandboxes)


def test_a_sandbox_has_the_address_that_the_plugin_gave(host: Containerd) -> None:
    dns = {"servers": ["10.96.0.53"], "searches": ["shop.svc.example"], "options": ["ndots:5"]}
    mappings = [{"hostPort": 8080, "containerPort": 80, "protocol": "TCP"}]
    (sandbox,) = host.run(pod(dns=dns, portMappings=mappings))
    endpoint = host.endpoint(sandbox)
    assert sandbox.state == "SANDBOX_READY"
    assert endpoint.addresses == [(sandbox.ip, 24)]
    assert endpoint.namespace == sandbox.guid
    assert endpoint.dns["ServerList"] == ["10.96.0.53"]
    (mapped,) = policies_of(endpoint, "PortMapping")
    assert (mapped["Protocol"], mapped["ExternalPort"], mapped["InternalPort"]) == (6, 8080, 80)
    (row,) = host.node.rows()
    assert (row.phase, row.key) == ("ready", ("pods", sandbox.id, "eth0"))
    assert [lease.address for lease in host.node.leases()] == [sandbox.ip]

    host.stop_sandboxes(sandbox)
    assert [one.state for one in host.sandboxes()] == ["SANDBOX_NOTREADY"]
    host.node.assert_clean()
    host.remove_sandboxes(sandbox)
    host.assert_clean()


def test_an_operator_sees_a_sandbox_by_the_name_that_kubelet_gave_it(host: Containerd) -> None:
    web, other = host.run(pod("web-0"), pod("web-1"))
    containers = host.fill(web, "nginx", "log")
    for one in (web, other):
        # On Windows the runtime has HCS do it.
        host.node.simulator.start_container(one.guid, one.id)
    found = {one["id"]: one for one in pods_seen(host)}
    assert found.keys() == {web.id, other.id}
    told = found[web.id]["kubernetes"]
    assert (told["namespace"], told["name"], told["uid"]) == ("shop", "web-0", "uid-of-web-0")
    assert (told["attempt"], told["state"], told["addresses"]) == (0, "Ready", [web.ip])
    assert {one["name"]: one["id"] for one in told["containers"]} == containers
    assert {one["state"] for one in told["containers"]} == {"Running"}
    assert found[other.id]["kubernetes"]["name"] == "web-1"
    assert [one["state"] for one in found.values()] == ["ok", "ok"]

    host.end_process(other)
    host.node.simulator.stop_container(other.id)
    until_ended(host, other)
    after = {one["id"]: one for one in pods_seen(host)}
    assert after[other.id]["kubernetes"]["state"] == "NotReady"
    assert [one["kind"] for one in after[other.id]["mismatches"]] == ["sandbox-ended-with-endpoint"]
    assert after[web.id]["state"] == "ok"

    host.node.simulator.stop_container(web.id)
    stopped_and_removed(host, web, other)
    assert pods_seen(host) == []
    host.assert_clean()


def test_eight_sandboxes_come_and_go_at_once(host: Containerd) -> None:
    sandboxes = host.run(*(pod(f"web-{number}") for number in range(8)))
    assert len({one.ip for one in sandboxes}) == 8
    assert [host.endpoint(one).addresses for one in sandboxes] == [[(one.ip, 24)] for one in sandboxes]
    assert {one.id for one in host.sandboxes()} == {one.id for one in sandboxes}
    stopped_and_removed(host, *sandboxes)
    host.assert_clean()


@pytest.mark.parametrize("function", ["HcnCreateEndpoint", "HcnModifyNamespace"])
def test_one_of_eight_whose_plugin_is_killed_leaves_nothing_and_runs_later(
    host: Containerd, function: str
) -> None:
    host.node.simulator.inject(function=function, nth=3, die="after")
    pods = [pod(f"web-{number}") for number in range(8)]
    started = host.each("run", *pods)
    (failed,) = [one for one in started if one.error]
    assert "netplugin failed" in failed.error
    running = host.status(*(one for one in started if not one.error))
    assert {one.namespace for one in host.node.endpoints()} == {one.guid for one in running}
    assert sorted(lease.address for lease in host.node.leases()) == sorted(one.ip for one in running)

    (again,) = host.run(*(one for one in pods if one["name"] == failed.name))
    assert host.endpoint(again).addresses == [(again.ip, 24)]
    assert again.ip not in {one.ip for one in running}
    stopped_and_removed(host, again, *running)
    host.assert_nothing_owned()
    host.node.simulator.forget_leaks()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_sandboxes_outlive_their_containerd(host: Containerd, end: str) -> None:
    sandboxes = host.run(pod("web-0"), pod("web-1"))
    before = host.node.endpoints(), host.node.rows()
    getattr(host, end)()
    host.start()
    assert host.status(*sandboxes) == sandboxes
    assert (host.node.endpoints(), host.node.rows()) == before
    (further,) = host.run(pod("web-2"))
    assert further.ip not in {one.ip for one in sandboxes}
    stopped_and_removed(host, further, *sandboxes)
    host.assert_clean()


def test_a_sandbox_whose_process_was_killed_is_removed(host: Containerd) -> None:
    killed, other = host.run(pod("web-0"), pod("web-1"))
    host.end_process(killed)
    until_ended(host, killed)
    stopped_and_removed(host, killed)
    assert [lease.address for lease in host.node.leases()] == [other.ip]
    assert [one.namespace for one in host.node.endpoints()] == [other.guid]
    stopped_and_removed(host, other)
    host.assert_clean()


def test_a_refusal_reaches_kubelet_in_our_words(host: Containerd) -> None:
    fault = host.node.simulator.inject(function="HcnCreateEndpoint", hresult=0x803B0015)
    (failed,) = host.each("run", pod())
    assert host.node.simulator.fired(fault) == 1
    assert "0x803B0015" in failed.error
    host.assert_clean()


def test_a_stop_that_failed_is_done_when_it_is_repeated(host: Containerd) -> None:
    """containerd must learn of the failure: it would give up an address that is still taken."""
    (sandbox,) = host.run(pod())
    host.node.simulator.inject(function="HcnDeleteEndpoint", hresult=0x80004005)
    (failed,) = host.each("stop", {"id": sandbox.id})
    assert "0x80004005" in failed.error
    assert [lease.address for lease in host.node.leases()] == [sandbox.ip]
    stopped_and_removed(host, sandbox)
    host.assert_clean()
