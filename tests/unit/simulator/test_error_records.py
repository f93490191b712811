"""The sentences of error records: which were seen, which are published, which are ours."""

from __future__ import annotations

import json

import pytest

from cni_hns.simulator import Simulator
from cni_hns.simulator.core import errors
from cni_hns.simulator.core.texts import OURS, PUBLISHED, SEEN, text_of
from tests.unit.simulator.caller import Caller, Failed


@pytest.mark.parametrize(
    ("hresult", "words"),
    [
        (0x803B000A, "The provided network configuration is invalid or missing parameters. "),
        (0x803B000D, "The provided policy configuration is invalid or missing parameters. "),
        (0x803B001B, "Invalid JSON document string. "),
        (0x803B002F, "An address provided is invalid or reserved. "),
        (0x80070490, "Element not found. "),
    ],
)
def test_a_record_has_the_sentence_that_was_seen(hresult: int, words: str) -> None:
    assert json.loads(errors.record(hresult)) == {"Success": False, "Error": words, "ErrorCode": hresult}


def test_a_name_or_a_prefix_that_another_has_is_told_in_windows_own_words(caller: Caller) -> None:
    caller.network("NAT", prefix="172.20.0.0/16")
    with pytest.raises(Failed) as failure:
        caller.network("NAT", name="other", prefix="172.20.0.0/16")
    words = json.loads(failure.value.record)["Error"]
    assert words.startswith("You were not connected because a duplicate name exists on the network. ")


def test_every_code_of_a_rule_has_a_sentence_that_was_seen_or_is_published() -> None:
    codes = {
        value for name, value in vars(errors).items() if name in errors.__all__ and isinstance(value, int)
    }
    assert {f"0x{one:08X}" for one in codes - set(SEEN) - set(PUBLISHED) - set(OURS)} == set()


def test_no_code_stands_in_both_tables() -> None:
    assert set(SEEN) & set(PUBLISHED) == set()
    assert set(OURS) & (set(SEEN) | set(PUBLISHED)) == set()


def test_a_sentence_of_ours_can_be_told_from_one_of_windows(caller: Caller, simulator: Simulator) -> None:
    simulator.inject(function="HcnEnumerateNetworks", hresult=0x803B00FF)
    with pytest.raises(Failed) as failure:
        caller.ids("Network")
    assert json.loads(failure.value.record)["Error"] == "Error 0x803B00FF. " == text_of(0x803B00FF)
