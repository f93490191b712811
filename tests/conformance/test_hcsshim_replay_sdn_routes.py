"""SDN routes as Microsoft's Go client and its tests handle them."""

from __future__ import annotations

import pytest

from tests.conformance.documents import endpoint, overlay, route, sent
from tests.conformance.program import Failed, Program


@pytest.fixture
def pods(program: Program) -> list[str]:
    """Two endpoints on an overlay network; their IDs."""
    home = program.networks.create(overlay())["ID"]
    document = endpoint("ep", HostComputeNetwork=home)
    return [str(program.endpoints.create(document, home)["ID"]) for _ in range(2)]


def _deleted(program: Program, guid: str) -> None:
    """The client looks first whether it is there."""
    if program.routes.find(ID=guid):
        program.routes.delete(guid)


@pytest.mark.parametrize("hop", ["127.10.0.34", "127.10.0.33"])
def test_one_is_created_found_and_deleted(program: Program, pods: list[str], hop: str) -> None:
    made = program.routes.create(route(pods[0], hop=hop))
    assert made["Setting"] == [
        {"DestinationPrefix": "169.254.169.254/24", "NextHop": hop, "NeedEncap": False}
    ]
    assert program.routes.find(ID=made["ID"]) == made == program.routes.all()[0]
    _deleted(program, made["ID"])
    _deleted(program, made["ID"])
    assert program.routes.all() == []


def test_an_endpoint_is_added_and_removed_by_making_it_again(program: Program, pods: list[str]) -> None:
    made = program.routes.create(route(pods[0]))
    guid = made["ID"]
    for wanted in (pods, pods[:1]):
        _deleted(program, guid)
        made = program.routes.create(sent({**made, "HostComputeEndpoints": wanted}))
        assert made["ID"] == guid
        assert [item.lower() for item in made["HostComputeEndpoints"]] == wanted
    _deleted(program, guid)


def test_the_other_name_of_its_list(program: Program, pods: list[str]) -> None:
    """Microsoft's module says Routes where its Go client says Setting; the service shows either."""
    given = route(pods[0])
    settings = {**given.pop("Setting")[0], "NeedEncap": True, "AutomaticEndpointMonitor": False}
    made = program.routes.create({**given, "Routes": [settings]})
    assert made["Setting"][0]["NeedEncap"] is True
    assert '"Routes":[{"DestinationPrefix":"169.254.169.254/24"' in program.routes.last_answer


def test_a_deleted_one_is_not_found(program: Program) -> None:
    with pytest.raises(Failed) as caught:
        program.routes.delete("5f0b1190-63be-4e0c-b974-bd0f55675a42")
    assert caught.value.code == 0x490
