"""Load balancers as Microsoft's Go client, its tests and kube-proxy handle them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.documents import endpoint, load_balancer, overlay, sent
from tests.conformance.program import Failed, Program

DSR, IPV6 = 1, 2
ILB, LOCAL_ROUTED_VIP, USE_MUX, PRESERVE_DIP, VIP_EXTERNAL_IP = 1, 2, 4, 8, 16


@pytest.fixture
def pods(program: Program) -> list[str]:
    """Two endpoints on an overlay network, of one name and in no container; their IDs."""
    home = program.networks.create(overlay())["ID"]
    document = endpoint("ep", HostComputeNetwork=home)
    return [str(program.endpoints.create(document, home)["ID"]) for _ in range(2)]


def _backends(balancer: dict[str, Any]) -> list[str]:
    return [guid.lower() for guid in balancer["HostComputeEndpoints"]]


class TestLife:
    @pytest.mark.parametrize(
        "more",
        [
            pytest.param({}, id="plain"),
            pytest.param({"flags": ILB}, id="internal"),
            pytest.param({"flags": LOCAL_ROUTED_VIP}, id="reached from the node"),
            pytest.param({"flags": PRESERVE_DIP, "Flags": DSR}, id="direct server return"),
            pytest.param({"flags": USE_MUX | VIP_EXTERNAL_IP}, id="mux, external"),
            pytest.param({"Flags": IPV6}, id="IPv6"),
            pytest.param({"FrontendVIPs": []}, id="node port"),
        ],
    )
    def test_one_is_created_found_and_deleted(
        self, program: Program, pods: list[str], more: dict[str, Any]
    ) -> None:
        given = load_balancer(pods[0], **more)
        made = program.load_balancers.create(given)
        found = program.load_balancers.find(ID=made["ID"])
        assert found == made == program.load_balancers.all()[0]
        assert _backends(made) == [pods[0]]
        assert made["FrontendVIPs"] == given["FrontendVIPs"]
        assert made["SourceVIP"] == "10.0.0.1"
        assert made["Flags"] == given.get("Flags", 0)
        assert made["PortMappings"] == [{"DistributionType": 0, "Flags": 0, **given["PortMappings"][0]}]
        program.load_balancers.delete(made["ID"])
        assert program.load_balancers.find(ID=made["ID"]) is None

    def test_session_affinity(self, program: Program, pods: list[str]) -> None:
        given = load_balancer(*pods)
        given["PortMappings"][0]["DistributionType"] = 2
        assert program.load_balancers.create(given)["PortMappings"][0]["DistributionType"] == 2

    def test_a_deleted_one_is_not_found(self, program: Program) -> None:
        with pytest.raises(Failed) as caught:
            program.load_balancers.delete("5f0b1190-63be-4e0c-b974-bd0f55675a42")
        assert caught.value.code == 0x490


def test_a_back_end_is_added_and_removed_by_making_it_again(program: Program, pods: list[str]) -> None:
    """What was read is sent again, with its ID: after the delete that ID is free."""
    balancer = program.load_balancers.create(load_balancer(pods[0]))
    guid = balancer["ID"]
    for wanted in (pods, pods[:1]):
        program.load_balancers.delete(guid)
        balancer = program.load_balancers.create(sent({**balancer, "HostComputeEndpoints": wanted}))
        assert balancer["ID"] == guid
        assert _backends(balancer) == wanted
    program.load_balancers.delete(guid)


class TestUpdate:
    @pytest.mark.parametrize("version", ["15.5", "16.0"])
    def test_the_whole_document_is_taken(
        self, program: Program, pods: list[str], on_version: Callable[[str], Any], version: str
    ) -> None:
        on_version(version)
        balancer = program.load_balancers.create(load_balancer(pods[0]))
        for wanted in (pods, pods[:1]):
            # A client takes a back end out of what it read, by the ID that it knows.
            kept = [guid for guid in balancer["HostComputeEndpoints"] if guid in wanted]
            changed = {
                **balancer,
                "HostComputeEndpoints": kept + [guid for guid in wanted if guid not in kept],
            }
            balancer = program.load_balancers.modify(balancer["ID"], sent(changed))
            assert balancer["HostComputeEndpoints"] == wanted
        program.load_balancers.delete(balancer["ID"])

    @pytest.mark.parametrize("version", ["9.3", "13.3", "15.3"])
    def test_an_older_service_says_that_it_has_no_such_thing(
        self, program: Program, pods: list[str], on_version: Callable[[str], Any], version: str
    ) -> None:
        on_version(version)
        balancer = program.load_balancers.create(load_balancer(pods[0]))
        with pytest.raises(Failed) as caught:
            program.load_balancers.modify(balancer["ID"], sent({**balancer, "HostComputeEndpoints": pods}))
        assert caught.value.code == 0x80004001

    def test_one_version_takes_it_and_does_nothing(
        self, program: Program, pods: list[str], on_version: Callable[[str], Any]
    ) -> None:
        on_version("15.4")
        balancer = program.load_balancers.create(load_balancer(pods[0]))
        after = program.load_balancers.modify(
            balancer["ID"], sent({**balancer, "HostComputeEndpoints": pods})
        )
        assert _backends(after) == pods[:1]
