"""The simulated node's route table: what Windows says no to, what others see, what a boot leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cni_hns.binding.route_table import (
    HostRoute,
    RouteDenied,
    RouteExists,
    RouteFault,
    RouteMissing,
    RoutesUnsupported,
    RouteTable,
)
from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller

ADAPTERS = [
    {
        "name": "Ethernet",
        "kind": "physical",
        "address": "192.0.2.1",
        "gateway": "192.0.2.254",
        "also": ["2001:db8::1/64"],
    },
    {"name": "Storage", "kind": "physical", "address": "198.51.100.1", "prefix": 28},
]
ETHERNET, STORAGE = 10, 11
V4 = HostRoute("10.244.2.0/24", "192.0.2.2", ETHERNET, 5)
V6 = HostRoute("fd00:244:0:2::/64", "2001:db8::2", ETHERNET)
SUBNET = {
    "IpAddressPrefix": "10.244.1.0/24",
    "Routes": [{"NextHop": "10.244.1.1", "DestinationPrefix": "0.0.0.0/0"}],
}


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    node = Simulator(str(tmp_path), adapters=ADAPTERS, management_address_after_calls=0)
    yield node
    node.close()


@pytest.fixture
def table(simulator: Simulator) -> RouteTable:
    return simulator.machine().route_table()


def made(table: RouteTable) -> list[HostRoute]:
    """The routes to pods."""
    return [one for one in table.routes() if one.prefix.startswith(("10.244.", "fd00:244:"))]


def test_the_interfaces_have_their_links_their_addresses_and_the_way_out(table: RouteTable) -> None:
    assert [(one.prefix, one.next_hop, one.interface) for one in table.routes()] == [
        ("127.0.0.0/8", "0.0.0.0", 1),  # noqa: S104 - a next hop
        ("127.0.0.1/32", "0.0.0.0", 1),  # noqa: S104
        ("::1/128", "::", 1),
        ("192.0.2.0/24", "0.0.0.0", ETHERNET),  # noqa: S104
        ("192.0.2.1/32", "0.0.0.0", ETHERNET),  # noqa: S104
        ("2001:db8::/64", "::", ETHERNET),
        ("2001:db8::1/128", "::", ETHERNET),
        ("0.0.0.0/0", "192.0.2.254", ETHERNET),
        ("198.51.100.0/28", "0.0.0.0", STORAGE),  # noqa: S104
        ("198.51.100.1/32", "0.0.0.0", STORAGE),  # noqa: S104
    ]


def test_routes_are_made_and_taken_away(table: RouteTable) -> None:
    for route in (V4, V6):
        table.add(route)
    assert made(table) == [V4, V6]
    table.remove(V4._replace(metric=99))
    assert made(table) == [V6]


@pytest.mark.parametrize(
    ("route", "kind"),
    [
        pytest.param(V4, RouteExists, id="the same again"),
        pytest.param(V4._replace(metric=9), RouteExists, id="the same with another metric"),
        pytest.param(V4._replace(interface=77), RouteMissing, id="an interface that is not there"),
        pytest.param(V4._replace(next_hop="203.0.113.9"), RouteFault, id="a next hop on no link"),
        pytest.param(V4._replace(interface=STORAGE), RouteFault, id="a next hop on another link"),
        pytest.param(V4._replace(next_hop="2001:db8::2"), RouteFault, id="two families"),
        pytest.param(V4._replace(prefix="10.244.2.1/24"), RouteFault, id="bits of a host"),
    ],
)
def test_what_is_refused(table: RouteTable, route: HostRoute, kind: type[RouteFault]) -> None:
    table.add(V4)
    with pytest.raises(RouteFault) as caught:
        table.add(route)
    assert type(caught.value) is kind
    assert made(table) == [V4]


def test_two_ways_to_one_prefix_are_two_routes(table: RouteTable) -> None:
    other = V4._replace(next_hop="192.0.2.3")
    table.add(V4)
    table.add(other)
    table.remove(V4)
    assert made(table) == [other]


def test_removing_what_is_not_there(table: RouteTable) -> None:
    with pytest.raises(RouteMissing, match=r"DeleteIpForwardEntry2 failed on route 10\.244\.2\.0/24 via"):
        table.remove(V4)
    with pytest.raises(RouteMissing):
        table.remove(HostRoute("192.0.2.0/24", "0.0.0.0", ETHERNET))  # noqa: S104 - a next hop


def test_a_next_hop_on_no_link_passes_where_it_is_told_to(simulator: Simulator, table: RouteTable) -> None:
    simulator.set_options(next_hop_off_link_hresult=0)
    table.add(V4._replace(next_hop="203.0.113.9"))
    assert len(made(table)) == 1


def test_only_an_administrator_changes_and_everybody_reads(simulator: Simulator, table: RouteTable) -> None:
    table.add(V4)
    simulator.set_options(elevated=False)
    for change in (table.add, table.remove):
        with pytest.raises(RouteDenied):
            change(V4)
    with pytest.raises(RouteDenied):
        table.let_forward(ETHERNET, 4)
    assert made(table) == [V4]
    assert not table.forwards(ETHERNET, 4)


def test_hns_need_not_run(simulator: Simulator, table: RouteTable) -> None:
    simulator.set_options(service_stopped_hresult=0x80070426)
    table.add(V4)
    assert made(table) == [V4]


def test_a_restart_of_hns_leaves_routes_and_a_boot_does_not(simulator: Simulator, table: RouteTable) -> None:
    table.add(V4)
    table.let_forward(ETHERNET, 4)
    simulator.restart_hns()
    assert made(table) == [V4]
    simulator.reboot()
    assert made(table) == []
    assert not table.forwards(ETHERNET, 4)


def test_routes_go_with_their_interface(simulator: Simulator, table: RouteTable) -> None:
    table.add(V4)
    simulator.adapters = []
    assert made(table) == []


def test_forwarding_is_of_one_interface_and_family(table: RouteTable) -> None:
    table.let_forward(ETHERNET, 4)
    found = [table.forwards(one, version) for one in (ETHERNET, STORAGE) for version in (4, 6)]
    assert found == [True, False, False, False]
    with pytest.raises(RouteMissing):
        table.forwards(77, 4)


def test_an_endpoint_in_the_hosts_namespace_is_an_interface(
    simulator: Simulator, caller: Caller, table: RouteTable
) -> None:
    simulator.plant("network", {"Name": "pods", "Type": "L2Bridge", "Ipams": [{"Subnets": [SUBNET]}]})
    (namespace,) = [one for one in simulator.dump()["namespaces"] if one["Type"] == "HostDefault"]
    endpoint = simulator.plant_endpoint("pods", IpConfigurations=[{"IpAddress": "10.244.1.2"}])
    assert made(table) == []
    request = {"ResourceType": "Endpoint", "RequestType": "Add", "Settings": {"EndpointId": endpoint}}
    caller.modify("Namespace", namespace["ID"], request)
    assert_forwards(table)


def test_an_endpoint_attached_to_the_host_by_v1_is_an_interface(
    simulator: Simulator, caller: Caller, table: RouteTable
) -> None:
    simulator.plant("network", {"Name": "pods", "Type": "L2Bridge", "Ipams": [{"Subnets": [SUBNET]}]})
    endpoint = simulator.plant_endpoint("pods", IpConfigurations=[{"IpAddress": "10.244.1.2"}])
    caller.rest("POST", f"/endpoints/{endpoint}/attach", {"CompartmentId": 1, "SystemType": "Host"})
    assert_forwards(table)
    caller.rest("POST", f"/endpoints/{endpoint}/detach", {})
    assert made(table) == []


def assert_forwards(table: RouteTable) -> None:
    links = {one.prefix: one.interface for one in made(table)}
    assert set(links) == {"10.244.1.0/24", "10.244.1.2/32"}
    table.let_forward(links["10.244.1.2/32"], 4)
    assert table.forwards(links["10.244.1.0/24"], 4)


class TestFaultsAndJournal:
    def test_calls_are_in_the_journal_by_their_prefix(self, simulator: Simulator, table: RouteTable) -> None:
        simulator.reset_journal()
        table.add(V4)
        table.routes()
        assert [(one.function, one.object, one.hresult) for one in simulator.journal()] == [
            ("CreateIpForwardEntry2", V4.prefix, 0),
            ("GetIpForwardTable2", "", 0),
        ]

    @pytest.mark.parametrize("code", [5, 0x80070005], ids=["plain", "wrapped"])
    def test_a_call_fails_by_function_and_prefix(
        self, simulator: Simulator, table: RouteTable, code: int
    ) -> None:
        fault = simulator.inject(function="CreateIpForwardEntry2", object=V4.prefix, hresult=code)
        table.add(V6)
        with pytest.raises(RouteDenied):
            table.add(V4)
        assert simulator.fired(fault) == 1
        table.add(V4)
        assert made(table) == [V6, V4]

    def test_a_missing_function_is_told(self, simulator: Simulator, table: RouteTable) -> None:
        simulator.set_options(missing_functions=["CreateIpForwardEntry2"])
        with pytest.raises(RoutesUnsupported):
            table.add(V4)

    @pytest.mark.parametrize(("moment", "left"), [("before", []), ("after", [V4])])
    def test_a_process_dies_in_the_call(
        self, simulator: Simulator, table: RouteTable, moment: str, left: list[HostRoute]
    ) -> None:
        simulator.inject(function="CreateIpForwardEntry2", die=moment)
        script = (
            "import sys; from cni_hns.simulator import Simulator; "
            "from cni_hns.binding.route_table import HostRoute; "
            f"Simulator(sys.argv[1]).machine().route_table().add({V4!r})"
        )
        done = subprocess.run([sys.executable, "-c", script, simulator.folder], check=False)
        assert done.returncode == -signal.SIGKILL
        assert made(table) == left
