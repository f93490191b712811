"""What is sent without a model fits the models."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni_hns.hcn.documents import add_endpoint, add_policies, query, remove_endpoint
from cni_hns.hcn.models import every as models
from tests.unit.binding.scripted import GUID


def _unknown(document: models.Document) -> list[str]:
    """The members that no schema lists, at any depth."""
    found = list(document.model_extra or {})
    for name in type(document).model_fields:
        value = getattr(document, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, models.Document):
                found += _unknown(one)
    return found


@pytest.mark.parametrize(
    ("document", "change"),
    [
        pytest.param(add_endpoint(GUID), models.RequestType.ADD, id="add"),
        pytest.param(remove_endpoint(GUID), models.RequestType.REMOVE, id="remove"),
    ],
)
def test_an_endpoint_in_a_namespace(document: dict[str, Any], change: models.RequestType) -> None:
    request = models.NamespaceModifyRequest.of(document)
    assert request.request_type is change
    assert request.settings == models.NamespaceEndpoint.of({"EndpointId": GUID})
    assert _unknown(request) == []
    assert request.to_document() == document


@given(
    filter_by=st.dictionaries(st.sampled_from(["Name", "ID", "VirtualNetwork"]), st.text() | st.integers()),
    major=st.sampled_from([1, 2]),
)
def test_every_query(filter_by: dict[str, Any], major: int) -> None:
    document = query(filter_by, major)
    asked = models.HostComputeQuery.of(document)
    assert _unknown(asked) == []
    assert asked.to_document() == document
    assert asked.schema_version.major == major
    assert (json.loads(asked.filter) if asked.filter else {}) == filter_by


def test_policies_for_an_endpoint() -> None:
    document = add_policies([{"Type": "QOS", "Settings": {"MaximumOutgoingBandwidthInBytes": 1000}}])
    request = models.EndpointModifyRequest.of(document)
    assert request.request_type is models.RequestType.ADD
    assert isinstance(request.settings, models.EndpointPolicies)
    assert [policy.type for policy in request.settings.policies] == ["QOS"]
    assert _unknown(request) == []
    assert request.to_document() == document
