"""A configuration is checked once and its plan kept: for exactly this configuration, and for no other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.behaviour.scene import add, configured, network, refused
from tests.harness import SimulatedNode

GOOD = configured("l2bridge", timeout=60)
# One look apart from it, and refused: what is wrong is in the key that is named.
REFUSED: dict[str, tuple[str, Any]] = {
    "a misspelt key": ("netwrok", {}),
    "an unknown key of an object": ("network", network("l2bridge", gatway="10.88.0.1")),
    "a boolean in place of a number": ("timeout", True),
    "a text in place of a number": ("timeout", "60"),
    "host bits in a prefix": ("network", network("l2bridge", {"prefix": "10.88.0.1/24"})),
    "a range outside its subnet": (
        "ipam",
        {"type": "cni-hns", "ranges": [[{"subnet": "10.88.0.0/24", "rangeEnd": "10.88.1.9"}]]},
    ),
    "an unknown policy": ("policies", [{"Type": "ACLL", "Settings": {}}]),
    "a relative folder": ("dataDir", "here"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_faulty_edit_of_a_known_configuration_is_refused(node: SimulatedNode, fault: str) -> None:
    add(node, GOOD)
    key, value = REFUSED[fault]
    for _ in range(2):
        answer = refused(node, {**GOOD, key: value}, 7)
        assert key in answer.words
    add(node, GOOD)


def test_a_refused_configuration_that_is_mended_is_accepted(node: SimulatedNode) -> None:
    refused(node, {**GOOD, "timeout": "60"}, 7)
    add(node, GOOD)


def test_an_edit_of_a_known_configuration_takes_effect_at_once(node: SimulatedNode) -> None:
    other = {"type": "cni-hns", "ranges": [[{"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.200"}]]}
    assert add(node, GOOD).addresses == ["10.88.0.2/24"]
    assert add(node, {**GOOD, "ipam": other}).addresses == ["10.88.0.200/24"]
    assert add(node, GOOD).addresses == ["10.88.0.3/24"]


def test_what_the_runtime_adds_to_a_known_configuration_is_checked_on_each_call(node: SimulatedNode) -> None:
    config = configured("l2bridge", capabilities={"mac": True})
    add(node, {**config, "runtimeConfig": {"mac": "02-11-22-33-44-55"}})
    answer = refused(node, {**config, "runtimeConfig": {"mac": "not a MAC"}}, 7)
    assert "runtimeConfig.mac" in answer.words
