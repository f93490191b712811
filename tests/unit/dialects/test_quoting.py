"""What a message may show of a policy."""

from __future__ import annotations

import pytest

from cni_hns.dialects.quoting import quoted


@pytest.mark.parametrize(
    "value",
    [
        *("", "Allow", "In", "6", "6,17", "80-90, 443", "10.0.0.0/8", "10.0.0.0/8,10.1.2.3", "10.0.0.0/33"),
        *("fd00:88::/112", "::1", "00-15-5D-01-02-03", "9c95ca37-5f3e-48fd-8f6a-6aa2a5ebd0b5"),
    ],
)
def test_numbers_addresses_and_the_words_of_hns_are_shown(value: str) -> None:
    assert quoted(value) == f'"{value}"'


@pytest.mark.parametrize(
    "value", ["hunter2", "123456789012", "deadbeef", "Allow hunter2", "10.0.0.0/8,hunter2", "{{POD_CIDR}}"]
)
def test_of_any_other_text_only_the_length_is_shown(value: str) -> None:
    assert quoted(value) == f'"({len(value)} characters)"'


def test_settings_are_shown_value_by_value() -> None:
    settings = {"Action": "Allow", "Priority": 100, "Id": "hunter2", "Exceptions": ["10.0.0.0/8", "hunter2"]}
    assert quoted(settings) == (
        '{"Action": "Allow", "Priority": 100, "Id": "(7 characters)", '
        '"Exceptions": ["10.0.0.0/8", "(7 characters)"]}'
    )
