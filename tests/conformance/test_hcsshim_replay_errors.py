"""The failures that clients tell apart, and how each reaches them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.documents import (
    TESTS_SUBNET,
    Document,
    endpoint,
    nat,
    network,
    overlay,
    policy,
    subnet,
)
from tests.conformance.program import Failed, Program

NOBODY = "5f0b1190-63be-4e0c-b974-bd0f55675a42"
FAMILIES = ("networks", "endpoints", "namespaces", "load_balancers", "routes")


@pytest.mark.parametrize("family", FAMILIES)
def test_an_id_that_nobody_has_selects_nothing(program: Program, family: str) -> None:
    """The client's own "not found" comes from an empty list, not from a code."""
    assert getattr(program, family).find(ID=NOBODY) is None


@pytest.mark.parametrize("family", ["networks", "endpoints"])
def test_a_name_that_nobody_has_selects_nothing(program: Program, family: str) -> None:
    assert getattr(program, family).find(Name="Not found name") is None


@pytest.mark.parametrize(
    ("family", "code"),
    [
        ("networks", 0x803B0001),
        ("endpoints", 0x803B0002),
        ("namespaces", 0x490),
        ("load_balancers", 0x490),
        ("routes", 0x490),
    ],
)
@pytest.mark.parametrize("call", ["get", "delete"])
def test_a_missing_object(program: Program, family: str, code: int, call: str) -> None:
    with pytest.raises(Failed) as caught:
        getattr(getattr(program, family), call)(NOBODY)
    assert caught.value.code == code
    assert str(caught.value.hresult) in caught.value.record


def test_a_missing_namespace_by_an_empty_query(program: Program) -> None:
    """The query is an empty text here; the failure is that of the opening before it."""
    with pytest.raises(Failed) as caught:
        program.namespaces.get(NOBODY, "")
    assert (caught.value.function, caught.value.code) == ("HcnOpenNamespace", 0x490)


@pytest.mark.parametrize("kind", ["Overlay", "L2Bridge", "NAT"])
def test_a_port_that_another_endpoint_maps(program: Program, kind: str) -> None:
    document = overlay() if kind == "Overlay" else network(kind, "home", subnet(*TESTS_SUBNET))
    home = program.networks.create(document)["ID"]
    mapping = policy("PortMapping", Protocol=17, InternalPort=45678, ExternalPort=56789)
    given = endpoint("ep", HostComputeNetwork=home, Policies=[mapping])
    made = program.endpoints.create(given, home)
    assert made["Policies"] == [mapping]
    with pytest.raises(Failed) as caught:
        program.endpoints.create(given, home)
    assert caught.value.code == 0x803B0013
    assert [item["ID"] for item in program.endpoints.all()] == [made["ID"]]
    program.endpoints.delete(made["ID"])
    program.endpoints.create(given, home)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        pytest.param(
            {"IpConfigurations": [{"IpAddress": "10.200.0.7"}]}, 0x803B001E, id="address in no subnet"
        ),
        pytest.param({"HostComputeNetwork": "", "MacAddress": "no"}, 0x803B000C, id="no MAC"),
    ],
)
def test_an_endpoint_that_does_not_fit(program: Program, wrong: Document, code: int) -> None:
    home = program.networks.create(nat())["ID"]
    with pytest.raises(Failed) as caught:
        program.endpoints.create(endpoint("ep", **wrong), home)
    assert caught.value.code == code


def test_a_network_without_an_adapter(program: Program, simulator: Any) -> None:
    simulator.adapters = []
    with pytest.raises(Failed) as caught:
        program.networks.create(overlay())
    assert caught.value.code == 0x803B0006


def test_a_second_network_of_the_name(program: Program) -> None:
    program.networks.create(nat())
    with pytest.raises(Failed) as caught:
        program.networks.create(nat("GoNat", subnet("10.4.0.0/24", "10.4.0.1")))
    assert caught.value.code == 0x803B0010


class TestTheRecord:
    def test_it_is_one_line_as_windows_writes_it(self, program: Program) -> None:
        with pytest.raises(Failed) as caught:
            program.endpoints.delete(NOBODY)
        assert caught.value.record == (
            '{"Success":false,"Error":"The endpoint was not found. ","ErrorCode":2151350274}'
        )

    def test_an_old_service_writes_no_code(self, program: Program, on_version: Callable[[str], Any]) -> None:
        on_version("7.2")
        with pytest.raises(Failed) as caught:
            program.endpoints.delete(NOBODY)
        assert caught.value.record == '{"Success":false,"Error":"The endpoint was not found. "}'
