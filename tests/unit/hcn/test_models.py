"""The typed documents: nothing is lost, nothing is added, and what is wrong is named by its path."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cni_hns.hcn.models import every as models
from tests.unit.binding.scripted import GUID
from tests.unit.hcn.documents_of import documents_of

OBJECTS = [
    models.HostComputeNetwork,
    models.HostComputeEndpoint,
    models.HostComputeNamespace,
    models.HostComputeLoadBalancer,
    models.HostComputeSdnRoute,
    models.HostComputeQuery,
    models.NetworkModifyRequest,
    models.EndpointModifyRequest,
    models.NamespaceModifyRequest,
    models.LoadBalancerModifyRequest,
]
EACH = [pytest.param(model, id=model.__name__) for model in OBJECTS]
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("model", EACH)
@SLOW
@given(data=st.data())
def test_dump_and_parse_are_inverse(model: type[models.Document], data: st.DataObject) -> None:
    document = data.draw(documents_of(model))
    parsed = model.of(document)
    assert parsed.to_document() == document
    assert model.of(parsed.to_document()) == parsed


@pytest.mark.parametrize("model", EACH)
@SLOW
@given(data=st.data())
def test_members_are_read_in_any_case(model: type[models.Document], data: st.DataObject) -> None:
    document = data.draw(documents_of(model))
    for spelt in (_respelt(document, str.lower), _respelt(document, str.upper)):
        assert _settled(model, model.of(spelt).to_document()) == _settled(model, document)


def _settled(model: type[models.Document], document: dict[str, Any]) -> Any:
    # What policies a namespace can have is nowhere described: they are free in form.
    free = {"policies"} if model is models.HostComputeNamespace else set()
    return _without_unknown({name: value for name, value in document.items() if name.lower() not in free})


def _respelt(value: Any, spell: Any) -> Any:
    if isinstance(value, dict):
        return {spell(name): _respelt(item, spell) for name, item in value.items()}
    return [_respelt(item, spell) for item in value] if isinstance(value, list) else value


def _without_unknown(value: Any) -> Any:
    """Unknown members keep the spelling they came in, and so does what is free in form."""
    if isinstance(value, dict):
        known = {name: item for name, item in value.items() if not name.lower().startswith("zz")}
        free = (
            "additionalparams",
            "telemetry",
            "data",
            "resources",
            "layeredon",
            "utilityvm",
            "virtualmachine",
        )
        return {name: _without_unknown(item) for name, item in known.items() if name.lower() not in free}
    return [_without_unknown(item) for item in value] if isinstance(value, list) else value


class TestWords:
    @pytest.mark.parametrize(
        ("given_", "mode"),
        [
            ("L2Bridge", models.NetworkMode.L2BRIDGE),
            ("l2bridge", models.NetworkMode.L2BRIDGE),
            (2, models.NetworkMode.TRANSPARENT),
            pytest.param(3, 3, id="a number that no page gives stays one"),
            pytest.param("Wormhole", "Wormhole", id="a word of a newer schema stays one"),
        ],
    )
    def test_are_read_from_names_and_published_numbers(self, given_: str | int, mode: str | int) -> None:
        network = models.HostComputeNetwork.of({"Type": given_})
        assert network.type == mode
        assert network.to_document() == {"Type": mode}

    def test_a_network_without_a_type_is_nat_and_says_so_no_louder_than_hns(self) -> None:
        network = models.HostComputeNetwork.of({"Name": "nat"})
        assert network.type is models.NetworkMode.NAT
        assert network.to_document() == {"Name": "nat"}

    @pytest.mark.parametrize("value", [True, None, [], {}])
    def test_are_nothing_else(self, value: object) -> None:
        with pytest.raises(ValidationError, match="Type"):
            models.Ipam.of({"Type": value})


class TestFlags:
    def test_keep_bits_that_have_no_name(self) -> None:
        endpoint = models.HostComputeEndpoint.of({"Flags": 1 | 1 << 20})
        assert models.EndpointFlags.REMOTE_ENDPOINT in endpoint.flags
        assert endpoint.to_document() == {"Flags": 1 | 1 << 20}

    @pytest.mark.parametrize(
        "document",
        [
            {"Flags": -1},
            {"Flags": "RemoteEndpoint"},
            {"Policies": [{"Type": "OutBoundNAT", "Settings": {"Flags": -1}}]},
            {"Policies": [{"Type": "PortMapping", "Settings": {"Flags": "2"}}]},
        ],
    )
    def test_are_numbers(self, document: dict[str, Any]) -> None:
        with pytest.raises(ValidationError, match="flags are a number"):
            models.HostComputeEndpoint.of(document)


class TestPolicies:
    @pytest.mark.parametrize("kind", ["PortMapping", "portmapping"])
    def test_have_the_settings_of_their_type(self, kind: str) -> None:
        policy = models.EndpointPolicy.of(
            {"Settings": {"VIP": "192.0.2.1", "internalport": 80}, "Type": kind}
        )
        assert policy.settings == models.PortMapping.of({"VIP": "192.0.2.1", "InternalPort": 80})

    def test_of_an_unknown_type_keep_theirs(self) -> None:
        document = {"Type": "Teleport", "Settings": {"To": {"The": ["Moon"]}}}
        assert models.EndpointPolicy.of(document).to_document() == document

    def test_show_the_settings_that_hns_would_ignore(self) -> None:
        policy = models.EndpointPolicy.of({"Type": "OutBoundNAT", "Settings": {"ExceptionList": []}})
        assert policy.settings.model_extra == {"ExceptionList": []}
        assert "Exceptions" in type(policy.settings).member_names()

    @pytest.mark.parametrize(
        ("model", "kind", "wrong", "path"),
        [
            (models.EndpointPolicy, "PortMapping", {"InternalPort": 65536}, "Settings.InternalPort"),
            (models.EndpointPolicy, "PortMapping", {"InternalPort": "80"}, "Settings.InternalPort"),
            (models.EndpointPolicy, "PortMapping", {"VIP": "localhost"}, "Settings.VIP"),
            (
                models.EndpointPolicy,
                "SDNRoute",
                {"DestinationPrefix": "10.0.0.0"},
                "Settings.DestinationPrefix",
            ),
            (models.EndpointPolicy, "SDNRoute", {"NeedEncap": "true"}, "Settings.NeedEncap"),
            (
                models.EndpointPolicy,
                "ProviderAddress",
                {"ProviderAddress": "10.1"},
                "Settings.ProviderAddress",
            ),
            (models.NetworkPolicy, "RemoteSubnetRoute", {"IsolationId": -1}, "Settings.IsolationId"),
            (models.NetworkPolicy, "DrMacAddress", {"Address": "00:15"}, "Settings.Address"),
            (models.NetworkPolicy, "VSwitchExtension", {"ExtensionID": "vfp"}, "Settings.ExtensionID"),
            (models.SubnetPolicy, "VSID", {"IsolationId": 2**32}, "Settings.IsolationId"),
        ],
    )
    def test_name_a_wrong_setting_by_its_path(
        self, model: type[models.Policy], kind: str, wrong: dict[str, Any], path: str
    ) -> None:
        with pytest.raises(ValidationError) as caught:
            model.of({"Type": kind, "Settings": wrong})
        assert [".".join(map(str, one["loc"])) for one in caught.value.errors()] == [path]

    def test_all_wrong_members_are_told_at_once(self) -> None:
        with pytest.raises(ValidationError) as caught:
            models.HostComputeEndpoint.of(
                {
                    "ID": "x",
                    "MacAddress": "y",
                    "IpConfigurations": [{"IpAddress": "z"}],
                    "Routes": [{"NextHop": "w"}],
                }
            )
        assert len(caught.value.errors()) == 4

    @pytest.mark.parametrize(
        "model",
        [
            *models.NETWORK_POLICIES.values(),
            *models.ENDPOINT_POLICIES.values(),
            *models.SUBNET_POLICIES.values(),
            models.NetworkPolicy,
            models.EndpointModifyRequest,
            models.HostComputeLoadBalancer,
            models.Subnet,
        ],
    )
    def test_needed_members_are_members(self, model: type[models.Document]) -> None:
        assert set(model.needed) <= set(model.member_names())


class TestRequests:
    @pytest.mark.parametrize(
        ("document", "settings_"),
        [
            ({"ResourceType": 1, "RequestType": 0}, models.NamespaceEndpoint),
            ({"ResourceType": "endpoint", "RequestType": "remove"}, models.NamespaceEndpoint),
            ({"ResourceType": "Container", "RequestType": 1}, models.NamespaceContainer),
        ],
    )
    def test_settings_follow_from_the_resource(
        self, document: dict[str, Any], settings_: type[models.Document]
    ) -> None:
        request = models.NamespaceModifyRequest.of({**document, "Settings": {"EndpointId": GUID}})
        assert type(request.settings) is settings_

    @pytest.mark.parametrize("resource", [7, -1])
    def test_a_number_that_no_resource_has_stays_one(self, resource: int) -> None:
        request = models.EndpointModifyRequest.of({"ResourceType": resource})
        assert request.to_document() == {"ResourceType": resource}

    @pytest.mark.parametrize("text", ["[1]", "Name=pods"])
    def test_a_filter_is_the_text_of_an_object(self, text: str) -> None:
        with pytest.raises(ValidationError, match="Filter"):
            models.HostComputeQuery.of({"Filter": text})


class TestDocuments:
    def test_cannot_be_changed_after_they_were_read(self) -> None:
        network = models.HostComputeNetwork.of({"Name": "pods"})
        with pytest.raises(ValidationError, match="frozen"):
            network.name = "other"

    def test_a_name_in_two_spellings_keeps_both(self) -> None:
        document = {"ID": GUID, "Id": "vendor's own"}
        assert models.HostComputeNetwork.of(document).to_document() == document

    @pytest.mark.parametrize("value", [[], "text", 5, None])
    def test_are_objects(self, value: Any) -> None:
        with pytest.raises(ValidationError):
            models.HostComputeNetwork.of(value)

    def test_can_be_built_in_python(self) -> None:
        route = models.Route(next_hop="10.0.0.1", destination_prefix="0.0.0.0/0")
        assert route.to_document() == {"NextHop": "10.0.0.1", "DestinationPrefix": "0.0.0.0/0"}
