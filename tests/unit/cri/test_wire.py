"""Protobuf messages are read as they were written, and nothing else is taken for one."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni_hns.cri.faults import CriFault
from cni_hns.cri.wire import Message, text_field


# Worked examples of https://protobuf.dev/programming-guides/encoding/.
def test_the_published_examples_are_read() -> None:
    assert Message(bytes.fromhex("089601")).number(1) == 150
    assert Message(bytes.fromhex("120774657374696e67")).text(2) == "testing"
    assert Message(bytes.fromhex("1a03089601")).message(3).number(1) == 150


def test_fields_of_a_fixed_width_are_passed_over() -> None:
    assert Message(bytes.fromhex("09010203040506070815010203041807")).number(3) == 7


def test_what_is_missing_or_of_another_type_is_empty() -> None:
    empty = Message(b"")
    assert (empty.number(1), empty.text(1), empty.messages(1), empty.message(1).text(1)) == (0, "", [], "")
    assert Message(bytes.fromhex("089601")).text(1) == ""
    assert Message(text_field(1, "text")).number(1) == 0


def test_text_that_is_no_utf_8_is_still_text() -> None:
    assert Message(bytes.fromhex("0a02ff41")).text(1) == "\ufffdA"


@given(st.integers(1, 1 << 28), st.text(max_size=300))
def test_a_text_is_read_as_it_was_written(field: int, text: str) -> None:
    assert Message(text_field(field, text)).text(field) == text


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_message_that_is_cut_is_refused(cut: int) -> None:
    with pytest.raises(CriFault):
        Message(bytes.fromhex("120774657374696e67")[:cut])


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_refused(encoded: bytes) -> None:
    with suppress(CriFault):
        message = Message(encoded)
        for field in range(1, 16):
            assert message.number(field) >= 0
            assert isinstance(message.text(field), str)
            message.messages(field)
