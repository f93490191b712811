"""What verbs learnt is kept, replaced and bounded."""

from __future__ import annotations

import pytest

from cni_hns.ledger import Ledger, knowledge
from tests.unit.ledger.shorthand import ENDPOINT, NAMESPACE


def test_a_plan_belongs_to_a_configuration_and_a_program(ledger: Ledger) -> None:
    ledger.keep_plan("digest", "1.0", {"name": "ü"})
    assert ledger.plan("digest", "1.0") == {"name": "ü"}
    assert ledger.plan("digest", "1.1") is None
    assert ledger.plan("other", "1.0") is None


def test_a_plan_that_two_verbs_compiled_is_kept_once(ledger: Ledger) -> None:
    assert ledger.keep_plan("digest", "1.0", {"a": 1})
    assert not ledger.keep_plan("digest", "1.0", {"a": 2})
    assert ledger.plan("digest", "1.0") == {"a": 2}


def test_plans_kept_longest_ago_make_way(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knowledge, "KEPT_PLANS", 2)
    for moment, digest in enumerate(["a", "b", "a", "c"]):
        ledger.keep_plan(digest, "1.0", {}, now=float(moment))
    assert [ledger.plan(digest, "1.0") for digest in "abc"] == [{}, None, {}]


def test_a_network_is_remembered_and_replaced(ledger: Ledger) -> None:
    assert ledger.network("net") is None
    ledger.remember_network("net", NAMESPACE, {"Type": "L2Bridge"})
    ledger.remember_network("net", ENDPOINT, {"Type": "Overlay"})
    known = ledger.network("net")
    assert known is not None
    assert (known.name, known.hcn_id, known.document) == ("net", ENDPOINT, {"Type": "Overlay"})


@pytest.mark.parametrize("value", [0, "text", [1, 2], {"a": None}, False])
def test_a_fact_is_any_json_value(ledger: Ledger, value: object) -> None:
    ledger.keep_fact("name", "before")
    ledger.keep_fact("name", value)
    assert ledger.fact("name") == value


def test_an_unknown_fact_is_none(ledger: Ledger) -> None:
    assert ledger.fact("name") is None
