"""What somebody types for a front end."""

from __future__ import annotations

import pytest

from cni_hns.services.frontend import Asked, Frontend, asked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.96.0.10:80", Asked("10.96.0.10", 80, None)),
        ("10.96.0.10:53/UDP", Asked("10.96.0.10", 53, 17)),
        ("[FD00:0::a]:80/tcp", Asked("fd00::a", 80, 6)),
        ("30080", Asked("", 30080, None)),
        ("*:30080/sctp", Asked("", 30080, 132)),
        *[
            (text, None)
            for text in (
                "",
                "web",
                "shop/web",
                "10.96.0.10",
                "10.96.0.10:0",
                "10.96.0.10:65536",
                "10.96.0.10:80/icmp",
                "10.96.0.300:80",
                "fd00::a:80",
                "[10.96.0.10]:80",
                "80/",
            )
        ],
    ],
)
def test_an_address_and_a_port(text: str, expected: Asked | None) -> None:
    assert asked(text) == expected


def test_a_front_end_is_read_back_from_its_own_words() -> None:
    for vip, is_ipv6 in (("10.96.0.10", False), ("fd00::a", True), ("", True)):
        front = Frontend.at(vip, 53, 17, is_ipv6)
        found = asked(front.words)
        assert found is not None
        assert found.fits(front)
        assert not found.fits(front._replace(protocol=6))
