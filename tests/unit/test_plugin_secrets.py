"""What a user planted in CNI_ARGS or in the configuration shows nowhere but where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cni_hns.cni.errors import CniError
from cni_hns.cni.request import Request
from cni_hns.cni.result import IpConfig, Result
from cni_hns.log import Log
from cni_hns.plugin import VERBS, Answer, run

from .test_plugin import ATTACHMENT, FakeNode

PLANTED = "hunter2-hunter2"
GOOD: dict[str, Any] = {
    "cniVersion": "1.1.0",
    "name": "net",
    "type": "cni-hns",
    "token": PLANTED,
    "ipam": {"type": "host-local", "password": PLANTED},
    "runtimeConfig": {"io.kubernetes.cri.pod-annotations": {"a": PLANTED}},
    "args": {"cni": {"labels": [{"key": "a", "value": PLANTED}]}},
}


def succeed(_request: Request, _node: FakeNode) -> Result:
    return Result(ips=[IpConfig("10.0.0.2/24")])


def trip(request: Request, _node: FakeNode) -> Result:
    raise KeyError(request.config["token"])


def trip_twice(request: Request, _node: FakeNode) -> Result:
    try:
        raise ValueError(request.variables.args)
    except ValueError as fault:
        raise RuntimeError(str(request.config)) from fault


def refuse(_request: Request, _node: FakeNode) -> Result:
    raise CniError(100, "HNS refused")


def call(command: str, stdin: bytes, args: str, verb: Any, log: Log) -> Answer:
    return run(
        {"CNI_COMMAND": command, "CNI_ARGS": args} | ATTACHMENT,
        lambda _timeout_s: stdin,
        lambda: pytest.fail("nothing connects by itself"),
        log,
        verbs={name: one._replace(load=lambda: verb) for name, one in VERBS.items()},
        make_node=FakeNode,
    )


VERB_BODIES = [succeed, trip, trip_twice, refuse]
ARGS = [
    pytest.param(f"IgnoreUnknown=1;TOKEN={PLANTED}", id="accepted"),
    pytest.param(f"TOKEN={PLANTED}", id="unknown key"),
    pytest.param(PLANTED, id="no key"),
    pytest.param(f"TOKEN={PLANTED}=x", id="two equals signs"),
    pytest.param(f"IP={PLANTED}", id="bad address"),
]
CHANGES = [
    pytest.param({}, id="good"),
    pytest.param({"name": ""}, id="no name"),
    pytest.param({"cniVersion": "7.7.7"}, id="unknown version"),
    pytest.param({"prevResult": {"ips": PLANTED}}, id="bad prevResult"),
    pytest.param({"prevResult": {"interfaces": [{"name": "a", "more": PLANTED}]}}, id="prevResult with more"),
    pytest.param({"cni.dev/valid-attachments": [PLANTED]}, id="bad attachments"),
]


@pytest.mark.parametrize("command", [*VERBS, "VERSION"])
@pytest.mark.parametrize("args", ARGS)
@pytest.mark.parametrize("changes", CHANGES)
def test_a_planted_secret_is_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], command: str, args: str, changes: dict[str, Any]
) -> None:
    file = tmp_path / "log" / "cni.log"
    document = GOOD | changes | {"log": {"file": str(file), "level": "debug", "note": PLANTED}}
    for verb in VERB_BODIES:
        answer = call(command, json.dumps(document).encode(), args, verb, Log())
        assert PLANTED not in answer.stdout
    captured = capfd.readouterr()
    assert PLANTED not in captured.err
    assert captured.out == ""
    if command != "VERSION":
        logged = file.read_text()
        assert PLANTED not in logged
        assert '"token": "(15 characters)"' in logged
        assert ('"TOKEN": "(' in logged) == ("TOKEN" in args and command in {"ADD", "DEL", "CHECK"})


@pytest.mark.parametrize("command", [*VERBS, "VERSION"])
@pytest.mark.parametrize(
    "stdin",
    [
        pytest.param(PLANTED.encode(), id="no JSON"),
        pytest.param(f'{{"a": "{PLANTED}'.encode(), id="cut off"),
        pytest.param(f'{{"a": {PLANTED}}}'.encode(), id="no quotes"),
        pytest.param(f'["{PLANTED}"]'.encode(), id="a list"),
        pytest.param(f'"{PLANTED}"'.encode(), id="text"),
        pytest.param(f'{{"{PLANTED}": "\\q"}}'.encode(), id="bad escape"),
        pytest.param(f'{{"{PLANTED}": NaN}}'.encode(), id="NaN"),
    ],
)
def test_nor_when_the_document_cannot_be_read(
    capfd: pytest.CaptureFixture[str], command: str, stdin: bytes
) -> None:
    answer = call(command, stdin, f"TOKEN={PLANTED}", succeed, Log())
    assert answer.exit_code == 1
    assert PLANTED not in answer.stdout
    assert PLANTED not in capfd.readouterr().err
