from __future__ import annotations

from typing import Any

import pytest

from cni_hns.cni.settings import LogSettings, log_settings, timeout_s


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({}, LogSettings(), id="absent"),
        pytest.param({"log": None}, LogSettings(), id="null"),
        pytest.param({"log": "/var/log/x"}, LogSettings(), id="not an object"),
        pytest.param(
            {"log": {"file": "/var/log/x", "level": "debug", "maxSizeMB": 0.5}},
            LogSettings("/var/log/x", "debug", 500_000),
            id="all members",
        ),
        pytest.param({"log": {"file": "x.log"}}, LogSettings(), id="relative file"),
        pytest.param({"log": {"file": ""}}, LogSettings(), id="empty file"),
        pytest.param({"log": {"file": 7, "level": 7}}, LogSettings(), id="wrong types"),
        pytest.param({"log": {"file": "/a\0b"}}, LogSettings(), id="NUL in the file"),
        pytest.param({"log": {"maxSizeMB": -1}}, LogSettings(), id="negative size"),
        pytest.param({"log": {"maxSizeMB": True}}, LogSettings(), id="size true"),
        pytest.param({"log": {"maxSizeMB": 10**400}}, LogSettings(max_bytes=86_400_000_000), id="huge size"),
    ],
)
def test_log(document: dict[str, Any], expected: LogSettings) -> None:
    assert log_settings(document) == expected


@pytest.mark.parametrize(
    ("timeout", "expected"),
    [
        pytest.param(None, 60.0, id="absent"),
        pytest.param(7, 7.0, id="a number for all verbs"),
        pytest.param(0.25, 0.25, id="part of a second"),
        pytest.param({"del": 9, "add": 1}, 9.0, id="an object"),
        pytest.param({"add": 1}, 60.0, id="an object without this verb"),
        pytest.param({"DEL": 9}, 60.0, id="keys are lower case"),
        pytest.param(0, 60.0, id="zero"),
        pytest.param(-3, 60.0, id="negative"),
        pytest.param("7", 60.0, id="text"),
        pytest.param(True, 60.0, id="true"),
        pytest.param([], 60.0, id="a list"),
        pytest.param(10**9, 86_400.0, id="longer than a day"),
        pytest.param(10**400, 86_400.0, id="longer than any clock"),
    ],
)
def test_timeout(timeout: object, expected: float) -> None:
    assert timeout_s({"timeout": timeout}, "DEL", 60.0) == expected
