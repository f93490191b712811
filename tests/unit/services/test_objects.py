"""A file of kubectl's is read as kube-proxy reads the objects in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cni_hns.services.objects import NotObjects, objects_of
from tests.unit.services.conftest import endpoint, port, service, slice_of


def listed(*items: dict[str, Any]) -> str:
    return json.dumps({"kind": "List", "apiVersion": "v1", "items": list(items)})


def test_what_kube_proxy_does_not_serve_is_left_out() -> None:
    headless = service("headless", "None")
    outside = service("outside", type="ExternalName")
    other = service("other", meta={"labels": {"service.kubernetes.io/service-proxy-name": "mine"}})
    found = objects_of(listed(headless, outside, other, service()))
    assert [one.full_name for one in found.services] == ["shop/web"]


def test_conditions_that_are_not_given_mean_ready() -> None:
    text = listed(service(), slice_of("web", {"addresses": ["10.88.0.2"]}))
    (member,) = objects_of(text).services[0].members["", False]
    assert (member.is_ready, member.is_serving, member.is_terminating) == (True, True, False)


def test_host_names_are_no_addresses() -> None:
    names = slice_of("web", {"addresses": ["db.example"]}, {"addresses": []})
    names["addressType"] = "FQDN"
    (one,) = objects_of(listed(service(ingress=["lb.example"]), names)).services
    assert (one.ingress_ips, one.members) == ((), {("", False): []})


def test_slices_belong_to_a_service_of_their_namespace() -> None:
    far = slice_of("web", endpoint("10.88.0.2"))
    far["metadata"]["namespace"] = "elsewhere"
    assert objects_of(listed(service(), far)).services[0].members == {}


def test_a_target_port_by_name_has_no_number_of_its_own() -> None:
    named = service(ports=[port(name="http", targetPort="http")])
    (one,) = objects_of(listed(named)).services[0].ports
    assert (one.name, one.target, one.protocol) == ("http", 0, 6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not json", "no JSON"),
        ("[]", "no JSON list"),
        ('{"kind": "List"}', "no JSON list"),
        (listed({**service(), "spec": {"ports": "80"}}), "Service: spec.ports: Input should be a valid list"),
        (listed({"kind": "Service"}), "Service: metadata: Field required"),
    ],
)
def test_another_file_is_refused_with_the_place(text: str, words: str) -> None:
    with pytest.raises(NotObjects) as refusal:
        objects_of(text)
    assert words in str(refusal.value)
