"""The simulated machine around the service is what the node's options say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.binding.children import run
from cni_hns.binding.host import Disk, Host, Interface, Memory, PortRange
from cni_hns.simulator import Simulator


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    node = Simulator(str(tmp_path))
    yield node
    node.close()


@pytest.fixture
def host(simulator: Simulator) -> Host:
    return simulator.machine().host()


def test_both_services_run_for_as_long_as_hns_says(simulator: Simulator, host: Host) -> None:
    simulator.set_options(hns_uptime_s=600)
    for name in ("hns", "vmcompute"):
        service = host.service(name)
        assert (service.state, service.pid > 0) == ("running", True)
        assert service.started_s == pytest.approx(time.time() - 600, abs=60)


@pytest.mark.parametrize(
    ("options", "name", "state"),
    [
        pytest.param({"service_stopped_hresult": 0x80070426}, "hns", "stopped", id="HNS does not answer"),
        pytest.param({"hcs_stopped_hresult": 0x80070426}, "vmcompute", "stopped", id="HCS does not answer"),
        pytest.param({"services": {"hns": {"state": "starting"}}}, "hns", "starting", id="as it is told"),
        pytest.param({"services": {"kubelet": {}}}, "kubelet", "running", id="another one"),
        pytest.param({}, "kubelet", "missing", id="one that nobody named"),
    ],
)
def test_a_service(simulator: Simulator, host: Host, options: dict[str, Any], name: str, state: str) -> None:
    simulator.set_options(**options)
    assert host.service(name).state == state


def test_interfaces_are_the_adapters(simulator: Simulator, host: Host) -> None:
    assert host.interfaces() == [
        Interface("Ethernet", 1500, ("192.0.2.10/24",), (), is_up=True, mac="02-00-C0-00-02-0A")
    ]
    simulator.adapters = [
        {
            "name": "A",
            "kind": "physical",
            "address": "10.0.0.4",
            "prefix": 16,
            "mtu": 1400,
            "gateway": "10.0.0.1",
            "mac": "00-50-56-01-02-03",
        },
        {"name": "B", "kind": "virtual"},
    ]
    assert host.interfaces() == [
        Interface("A", 1400, ("10.0.0.4/16",), ("10.0.0.1",), is_up=True, mac="00-50-56-01-02-03"),
        Interface("B", 1500, (), (), is_up=True),
    ]


def test_ports_are_those_that_mappings_are_refused_for(simulator: Simulator, host: Host) -> None:
    simulator.set_options(excluded_ports=[[17, 53, 53]])
    ports = host.ports(run, 1.0)
    assert ports.excluded == (PortRange("udp", 53, 53),)
    assert [one.protocol for one in ports.dynamic] == ["tcp", "udp"]
    simulator.set_options(netsh_hangs=True)
    with pytest.raises(OSError, match="netsh"):
        host.ports(run, 1.0)


def test_disk_memory_and_clock(simulator: Simulator, host: Host, tmp_path: Path) -> None:
    assert host.disk(str(tmp_path / "not there")).free_bytes > 0
    simulator.set_options(disk_bytes=[9, 1], memory_bytes=[8, 2], clock_ahead_s=-7200)
    assert host.disk("/x") == Disk("/x", 9, 1)
    assert host.memory() == Memory(8, 2)
    assert host.clock().wall_s == pytest.approx(time.time() - 7200, abs=60)
