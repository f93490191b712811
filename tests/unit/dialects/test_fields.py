"""Single values: what is accepted, its canonical form, and what a refusal says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cni_hns.dialects import fields
from cni_hns.dialects.spelling import near


@pytest.mark.parametrize(
    ("parse", "text", "canonical"),
    [
        pytest.param(fields.network, "10.1.0.0/24", "10.1.0.0/24", id="IPv4 prefix"),
        pytest.param(fields.network, " 10.1.0.0/24 ", "10.1.0.0/24", id="blanks around a prefix"),
        pytest.param(fields.network, "FD00:0::/64", "fd00::/64", id="IPv6 prefix in its short form"),
        pytest.param(fields.network, "0.0.0.0/0", "0.0.0.0/0", id="everything"),
        pytest.param(fields.address, "FE80::1", "fe80::1", id="IPv6 address"),
        pytest.param(fields.host_address, "10.1.0.5/24", "10.1.0.5", id="prefix length of a wanted address"),
        pytest.param(fields.host_address, "10.1.0.5/32", "10.1.0.5", id="the longest prefix length"),
        pytest.param(fields.host_address, "10.1.0.5", "10.1.0.5", id="wanted address alone"),
        pytest.param(fields.mac, "0e:2a:0a:01:00:05", "0E-2A-0A-01-00-05", id="MAC with colons"),
        pytest.param(fields.mac, "0E-2A-0A-01-00-05", "0E-2A-0A-01-00-05", id="MAC as HNS writes it"),
        pytest.param(fields.absolute_path, r"C:\cni\log", r"C:\cni\log", id="Windows path"),
        pytest.param(fields.absolute_path, "d:/cni", "d:/cni", id="Windows path with slashes"),
        pytest.param(fields.absolute_path, r"\\server\share\x", r"\\server\share\x", id="UNC path"),
        pytest.param(fields.absolute_path, "/var/log/x", "/var/log/x", id="POSIX path"),
    ],
)
def test_a_value_is_read_into_its_canonical_form(
    parse: Callable[[object], object], text: str, canonical: str
) -> None:
    assert str(parse(text)) == canonical


@pytest.mark.parametrize(
    ("parse", "value", "words"),
    [
        pytest.param(
            fields.network, "10.1.0.7/24", "host bits set; the network is 10.1.0.0/24", id="host bits"
        ),
        pytest.param(fields.network, "fd00::1/64", "the network is fd00::/64", id="IPv6 host bits"),
        pytest.param(fields.network, "10.1.0.0", "is 10.1.0.0/32", id="no prefix length"),
        pytest.param(fields.network, "10.1.0.0/255.255.255.0", "CIDR form", id="netmask"),
        pytest.param(fields.network, "10.1.0.0/33", "CIDR form", id="prefix too long"),
        pytest.param(fields.network, "10.1.0.0/٣", "CIDR form", id="digits of another script"),
        pytest.param(fields.network, "<SERVICE_CIDR>", "CIDR form", id="placeholder"),
        pytest.param(fields.network, "fe80::%1/64", "CIDR form", id="scope in a prefix"),
        pytest.param(fields.network, 24, "expected as a string, not a number", id="number for a prefix"),
        pytest.param(fields.network, None, "not null", id="null for a prefix"),
        pytest.param(fields.address, "10.1.0.5/24", "is not an IP address", id="prefix for an address"),
        pytest.param(fields.address, "fe80::1%3", "is not an IP address", id="scope"),
        pytest.param(fields.address, "", "is not an IP address", id="empty address"),
        pytest.param(fields.host_address, "10.1.0.5/99", "no usable prefix length", id="wanted address /99"),
        pytest.param(fields.mac, "0E-2A-0A-01-00", "is not a MAC address", id="five bytes"),
        pytest.param(fields.mac, "01-00-5E-00-00-01", "group address", id="group address"),
        pytest.param(fields.mac, "00:00:00:00:00:00", "all zero", id="zero MAC"),
        pytest.param(fields.absolute_path, "log.txt", "not an absolute path", id="relative path"),
        pytest.param(fields.absolute_path, "C:log.txt", "not an absolute path", id="drive-relative path"),
        pytest.param(fields.absolute_path, "C:\\a\0b", "has a control character", id="NUL in a path"),
    ],
)
def test_a_refusal_says_what_was_expected(
    parse: Callable[[object], object], value: object, words: str
) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        parse(value)
    assert words in str(refusal.value)


@pytest.mark.parametrize("value", [0, 65536, True, "80", 1.5, None], ids=str)
def test_a_number_is_a_whole_json_number_within_bounds(value: object) -> None:
    with pytest.raises(ValueError, match=r"outside|whole number"):
        fields.number(value, 1, 65535)


def test_a_quoted_value_is_one_line_and_short() -> None:
    assert fields.shown("a\nb") == r'"a\nb"'
    assert len(fields.shown("x" * 500)) < 70
    assert fields.shown({"token": "s3cret"}) == "an object"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        pytest.param("netwrok", "network", id="two letters swapped"),
        pytest.param("Network", "network", id="letter case"),
        pytest.param("policys", "policies", id="two edits"),
        pytest.param("netwxyz", None, id="three edits"),
        pytest.param("env", None, id="short words need one edit"),
        pytest.param("mtus", "mtu", id="short word, one edit"),
        pytest.param("mut", "mtu", id="a swap is one edit"),
        pytest.param("somethingelse", None, id="nothing near"),
    ],
)
def test_the_nearest_key_is_found_within_two_edits(word: str, expected: str | None) -> None:
    assert near(word, ["network", "policies", "dns", "mtu"]) == expected


def test_nothing_is_near_where_nothing_is_known() -> None:
    assert near("word", []) is None
