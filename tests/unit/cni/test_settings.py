from __future__ import annotations

from typing import Any

import pytest

from cni_hns.cni.settings import LogSettings, is_device, log_settings, path_fault, timeout_s


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
        pytest.param(
            {"log": {"maxSizeMB": 1e305}},
            LogSettings(max_bytes=100_000_000_000),
            id="size of no number of bytes",
        ),
        pytest.param({"log": {"file": "/dev/stdout"}}, LogSettings(), id="a device"),
        pytest.param({"log": {"file": "/a\nb"}}, LogSettings(), id="line end in the file"),
    ],
)
def test_log(document: dict[str, Any], expected: LogSettings) -> None:
    assert log_settings(document) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/dev/stdout", True),
        ("/dev/../dev/null", True),
        ("//dev/null", True),
        ("/proc/self/fd/1", True),
        ("/sys/kernel/x", True),
        ("/device/x", False),
        ("/var/dev/null.d/x", False),
        ("C:\\logs\\NUL", True),
        ("C:\\logs\\nul.log", True),
        ("c:/com1", True),
        ("c:/com10.log", False),
        ("c:/console.log", False),
        ("C:\\CONOUT$", True),
        ("\\\\.\\C:\\x", True),
        ("\\\\?\\C:\\logs\\x.log", False),
        ("\\\\?\\GLOBALROOT\\Device\\Null", True),
        ("\\\\server\\share\\x.log", False),
    ],
)
def test_a_device_is_known_by_its_name(path: str, expected: bool) -> None:
    assert is_device(path) is expected


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/var/lib", None),
        ("C:\\ProgramData\\cni-hns", None),
        ("/a\0b", "control character"),
        ("/a\x85b", "control character"),
        ("/" + "a" * 4096, "longer than 4096"),
        ("/a" * 200, "128 folders deep"),
        ("C:" + "\\a" * 200, "128 folders deep"),
    ],
)
def test_what_can_be_nobodys_path(path: str, words: str | None) -> None:
    fault = path_fault(path)
    assert fault is None if words is None else words in str(fault)


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
