from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni_hns.cni.protocol import identifier_fault


@given(st.text("aZ09_.- \n/é٣", max_size=6))
def test_an_identifier_is_what_the_specification_s_pattern_takes(text: str) -> None:
    """CNI SPEC, section 2, "Parameters": `^[a-zA-Z0-9][a-zA-Z0-9_.\\-]*$`."""
    assert (identifier_fault(text) is None) == bool(re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*", text))


@pytest.mark.parametrize(("length", "fine"), [(253, True), (254, False)])
def test_an_identifier_has_at_most_253_characters(length: int, fine: bool) -> None:
    assert (identifier_fault("a" * length) is None) == fine
