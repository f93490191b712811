"""Host ports of a container with several attachments: runtimes send one list of ports to each of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.scene import Logged, add, joining, last, named, plant, policies_of
from tests.harness import SimulatedNode, container_id

_HTTP = {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}


@pytest.fixture
def logged(tmp_path: Path) -> Logged:
    folder = tmp_path / "logs"
    folder.mkdir()
    return Logged(folder)


@pytest.fixture(autouse=True)
def there(node: SimulatedNode) -> None:
    plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
    plant(node, "l2bridge", ("10.89.0.0/24", "10.89.0.1"), name="second")


@pytest.fixture
def container() -> str:
    return container_id()


def config(name: str, subnet: str, *ports: int) -> dict[str, Any]:
    runtime = {"portMappings": [{**_HTTP, "hostPort": port} for port in ports]}
    return {**joining("win-bridge", subnet), "name": name, "runtimeConfig": runtime}


def test_the_second_attachment_goes_without(node: SimulatedNode, container: str, logged: Logged) -> None:
    namespace = node.namespace()
    first = config("pods", "10.88.0.0/24", 8080)
    assert node.call("ADD", first, container, namespace).exit_code == 0
    holder = last(node)
    second = logged(config("second", "10.89.0.0/24", 8080, 8081))
    answer = node.call("ADD", second, container, namespace, ifname="eth1")
    assert answer.exit_code == 0, answer.words
    (endpoint,) = node.endpoints(node.network_id("second"))
    assert [one["ExternalPort"] for one in policies_of(endpoint, "PortMapping")] == [8081]
    assert "host port 8080/tcp is left out: another attachment of the same container" in logged.warnings
    assert holder.id in logged.warnings
    assert node.call("ADD", second, container, namespace, ifname="eth1") == answer
    checked = {**second, "prevResult": answer.document}
    assert node.call("CHECK", checked, container, namespace, ifname="eth1").exit_code == 0


def test_made_again_it_goes_without_again(node: SimulatedNode, container: str) -> None:
    namespace = node.namespace()
    node.call("ADD", config("pods", "10.88.0.0/24", 8080), container, namespace)
    second = config("second", "10.89.0.0/24", 8080)
    answer = node.call("ADD", second, container, namespace, ifname="eth1")
    (endpoint,) = node.endpoints(node.network_id("second"))
    node.hcn.endpoints.delete(endpoint.id)
    assert node.call("ADD", second, container, namespace, ifname="eth1") == answer


def test_a_peers_endpoint_of_the_container_counts_too(node: SimulatedNode, container: str) -> None:
    mapping = {
        "Type": "PortMapping",
        "Settings": {"Protocol": 6, "InternalPort": 80, "ExternalPort": 8080},
    }
    node.simulator.plant_endpoint(
        "pods",
        Name=f"{container}_pods",
        IpConfigurations=[{"IpAddress": "10.88.0.77"}],
        Policies=[mapping],
    )
    answer = node.call("ADD", config("second", "10.89.0.0/24", 8080), container, node.namespace())
    assert answer.exit_code == 0, answer.words


def test_another_containers_port_is_refused_with_its_holder(node: SimulatedNode, container: str) -> None:
    add(node, config("pods", "10.88.0.0/24", 8080))
    stranger = last(node)
    namespace = node.namespace()
    assert node.call("ADD", config("pods", "10.88.0.0/24", 8081), container, namespace).exit_code == 0
    second = config("second", "10.89.0.0/24", 8080, 8081)
    answer = node.call("ADD", second, container, namespace, ifname="eth1")
    assert answer.document["code"] == 100
    assert f'8080/tcp by endpoint "{stranger.name}"' in answer.words
    assert node.endpoints(node.network_id("second")) == []


def test_a_port_that_the_configuration_itself_maps_is_not_left_out(
    node: SimulatedNode, container: str
) -> None:
    namespace = node.namespace()
    node.call("ADD", config("pods", "10.88.0.0/24", 8080), container, namespace)
    fixed = {"Type": "PortMapping", "Settings": {"Protocol": 6, "InternalPort": 80, "ExternalPort": 8080}}
    second = {**config("second", "10.89.0.0/24"), "policies": [named(fixed)]}
    answer = node.call("ADD", second, container, namespace, ifname="eth1")
    assert answer.document["code"] == 100
