"""What is masked in a text, what is kept of a document, and that neither takes long."""

from __future__ import annotations

import time

import pytest

from cni_hns.diagnosis.clean import LOG_MEMBERS, hns_members, known_only, masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ctr --password hunter2 list", "ctr --password (7 characters) list"),
        ("ctr --registry-token=hunter2", "ctr --registry-token=(7 characters)"),
        ('-Password "two words" next', "-Password (11 characters) next"),
        ("Authorization: Bearer abcdef", "Authorization: (13 characters)"),
        ("sent bearer abcdefgh to it", "sent bearer (8 characters) to it"),
        ("DB_PASSWORD=hunter2;x=1", "DB_PASSWORD=(7 characters);x=1"),
        ('{"authToken": "a\\"b", "x": 1}', '{"authToken": (6 characters), "x": 1}'),
        ("https://me:pw@host/x", "https://(5 characters)@host/x"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.sig", "(29 characters)"),
    ],
)
def test_what_is_secret_by_its_looks_or_its_neighbour_is_told_by_its_length(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert masked(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "SERVICE_NAME: hns\n        STATE : 4  RUNNING",
        "IPv4 Address. . . . . . . . . . . : 10.0.0.2(Preferred)",
        "secret-pod   Running   2 hours ago",
        "C:\\Program Files\\containerd\\cni\\conf",
    ],
)
def test_ordinary_output_is_left_alone(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    "unit",
    ["a", "password", 'password="', "://", "eyJ-", "eyJaaaaaaaa.", " -", "--token ", "\\", "sig ", "("],
)
def test_no_text_takes_long(unit: str) -> None:
    """A megabyte that somebody made to be slow is read in the time of any other."""
    began = time.process_time()
    masked(unit * (200_000 // len(unit)))
    assert time.process_time() - began < 5


def test_an_unknown_member_is_told_by_name_and_length() -> None:
    document = {"ID": "x", "Vendor": {"a": "secret"}, "Policies": [{"Type": "ACL", "Mine": "1234"}]}
    assert known_only(document, hns_members()) == {
        "ID": "x",
        "Vendor": "(15 characters)",
        "Policies": [{"Type": "ACL", "Mine": "(4 characters)"}],
    }


def test_lengths_in_a_log_stay_those_of_the_values() -> None:
    line = {"message": "ADD begins", "args": {"K8S_POD_NAME": "(5 characters)"}}
    assert known_only(line, LOG_MEMBERS) == line
