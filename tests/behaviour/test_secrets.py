"""A secret that somebody put into an input is in no output: stdout, stderr, the log, errors of the ledger.

The runtime hands a configuration on from whoever wrote it, and a pod's annotations from whoever made the pod.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.ipam_plugin import RESULT, FakeIpam
from tests.harness import SimulatedNode, container_id, l2bridge
from tests.packaging import current

SECRET = "hunter2-Q7zR9k"  # noqa: S105 - it is there to be looked for

# tests/behaviour/test_log.py plants one in each verb, in every packaging.
pytestmark = pytest.mark.in_process("further places for a secret")

Config = dict[str, Any]
_VERBS = ["ADD", "CHECK", "DEL", "GC", "STATUS"]


def _top(config: Config) -> None:
    config["x-token"] = SECRET


def _nested(config: Config) -> None:
    config["x-token"] = {"deep": [{"er": SECRET}], SECRET: 1}


def _near_a_key(config: Config) -> None:
    config["netwrok"] = {"password": SECRET}


def _of_the_network(config: Config) -> None:
    config["network"]["password"] = SECRET


def _of_a_subnet(config: Config) -> None:
    config["network"]["subnets"][0]["password"] = SECRET


def _of_ipam(config: Config) -> None:
    config["ipam"]["password"] = SECRET


def _of_a_range(config: Config) -> None:
    config["ipam"]["ranges"][0][0]["password"] = SECRET


def _of_dns(config: Config) -> None:
    config["dns"]["password"] = SECRET


def _of_the_log(config: Config) -> None:
    config["log"]["password"] = SECRET


def _of_a_policy(config: Config) -> None:
    config["policies"] = [{"Type": "ACL", "Settings": {"Password": SECRET}, "Password": SECRET}]


def _of_the_capabilities(config: Config) -> None:
    config["capabilities"]["password"] = SECRET


def _of_the_runtime(config: Config) -> None:
    config["runtimeConfig"] = {"password": SECRET, "io.kubernetes.cri.pod-annotations": {"a": SECRET}}


def _of_a_port_mapping(config: Config) -> None:
    config["runtimeConfig"] = {"portMappings": [{"hostPort": 8080, "containerPort": 80, "password": SECRET}]}


def _of_args(config: Config) -> None:
    config["args"] = {"cni": {"labels": [{"key": "a", "value": SECRET}], "password": SECRET}, "x": SECRET}


def _of_the_previous_result(config: Config) -> None:
    config["prevResult"] = {"cniVersion": "1.1.0", "password": SECRET}


def _of_an_attachment(config: Config) -> None:
    entries = [{"containerID": "a", "ifname": "eth0", "password": SECRET}]
    config["cni.dev/valid-attachments"] = entries


def _of_the_timeouts(config: Config) -> None:
    config["timeout"] = {"password": SECRET}


@pytest.mark.parametrize("verb", _VERBS)
@pytest.mark.parametrize(
    "plant",
    [
        _top,
        _nested,
        _near_a_key,
        _of_the_network,
        _of_a_subnet,
        _of_ipam,
        _of_a_range,
        _of_dns,
        _of_the_log,
        _of_a_policy,
        _of_the_capabilities,
        _of_the_runtime,
        _of_a_port_mapping,
        _of_args,
        _of_the_previous_result,
        _of_an_attachment,
        _of_the_timeouts,
    ],
    ids=lambda plant: plant.__name__.strip("_").replace("_", " "),
)
def test_a_secret_in_the_configuration_is_in_no_output(
    node: SimulatedNode, tmp_path: Path, plant: Callable[[Config], None], verb: str
) -> None:
    log = tmp_path / "logs" / "cni.log"
    config = l2bridge(log={"file": current().path(log), "level": "debug"})
    plant(config)
    said = _said(node, verb, config)
    assert SECRET not in said
    assert SECRET not in (log.read_text() if log.exists() else "")


@pytest.mark.parametrize("verb", _VERBS)
@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"CNI_ARGS": f"IgnoreUnknown=1;TOKEN={SECRET}"}, id="an argument"),
        pytest.param({"CNI_ARGS": f"TOKEN={SECRET}"}, id="an unknown argument"),
        pytest.param({"CNI_ARGS": SECRET}, id="an argument without a key"),
        pytest.param({"CNI_ARGS": f"IP={SECRET}"}, id="an address"),
        pytest.param(
            {"CNI_ARGS": f"K8S_POD_NAME={SECRET} x;K8S_POD_NAMESPACE={SECRET} x"}, id="no pod's name"
        ),
        pytest.param({"TOKEN": SECRET, "CNI_TOKEN": SECRET, "CNI_HNS_TOKEN": SECRET}, id="the environment"),
    ],
)
def test_a_secret_in_a_variable_is_in_no_output(
    node: SimulatedNode, tmp_path: Path, variables: dict[str, str], verb: str
) -> None:
    log = tmp_path / "logs" / "cni.log"
    config = l2bridge(log={"file": current().path(log), "level": "debug"})
    assert SECRET not in _said(node, verb, config, **variables)
    assert SECRET not in (log.read_text() if log.exists() else "")


def _echoes(ipam: FakeIpam) -> None:
    ipam.answer("ADD", {"code": 7, "msg": SECRET, "details": SECRET}, stderr=f"with {SECRET}\n", exit=1)


def _prints_no_json(ipam: FakeIpam) -> None:
    ipam.answer("ADD", stdout=f"password={SECRET}", stderr=SECRET)


def _prints_a_strange_result(ipam: FakeIpam) -> None:
    ipam.answer("ADD", {**RESULT, "ips": [{"address": SECRET}]}, stderr=SECRET)


def _dies(ipam: FakeIpam) -> None:
    ipam.answer("ADD", stdout="", stderr=f"panic: {SECRET}", exit=2)


def _succeeds(ipam: FakeIpam) -> None:
    ipam.answer("ADD", RESULT, stderr=f"password={SECRET}")


@pytest.mark.parametrize(
    "behave",
    [_echoes, _prints_no_json, _prints_a_strange_result, _dies, _succeeds],
    ids=lambda behave: behave.__name__.strip("_").replace("_", " "),
)
def test_a_secret_that_an_ipam_plugin_got_and_repeats_is_in_no_output(
    node: SimulatedNode, tmp_path: Path, behave: Callable[[FakeIpam], None]
) -> None:
    ipam = FakeIpam(tmp_path / "plugins")
    behave(ipam)
    log = tmp_path / "logs" / "cni.log"
    config = l2bridge(
        ipam={"type": "fake-ipam", "password": SECRET}, log={"file": current().path(log), "level": "debug"}
    )
    said = _said(node, "ADD", config, CNI_PATH=ipam.path)
    assert ipam.commands[:1] == ["ADD"]
    assert SECRET not in said
    assert SECRET not in log.read_text()


@pytest.mark.parametrize("column", ["request", "result"])
@pytest.mark.parametrize("verb", ["ADD", "CHECK", "DEL", "GC"])
def test_a_secret_in_a_damaged_ledger_is_in_no_output(
    node: SimulatedNode, tmp_path: Path, column: str, verb: str
) -> None:
    """The documents in it hold what a pod's annotations and an IPAM plugin said."""
    log = tmp_path / "logs" / "cni.log"
    config = l2bridge(log={"file": current().path(log), "level": "debug"})
    pod = container_id(), node.namespace()
    result = node.call("ADD", l2bridge(), *pod).document
    with closing(sqlite3.connect(node.ledger_path)) as ledger:
        ledger.execute(f"UPDATE attachments SET {column} = ?", ('{"' + SECRET,))  # noqa: S608
        ledger.commit()
    said = _said(node, verb, {**config, "prevResult": result}, CNI_CONTAINERID=pod[0], CNI_NETNS=pod[1])
    assert SECRET not in said
    assert SECRET not in (log.read_text() if log.exists() else "")


def _said(node: SimulatedNode, verb: str, config: Config, **variables: str) -> str:
    """All that a process of this verb prints."""
    attachment = {"CNI_CONTAINERID": container_id(), "CNI_NETNS": node.namespace(), "CNI_IFNAME": "eth0"}
    environment = {
        **node.environment,
        "CNI_COMMAND": verb,
        "CNI_PATH": current().path("/opt/cni/bin"),
        **attachment,
        **variables,
    }
    process: subprocess.Popen[bytes] = current().start(environment, json.dumps(config).encode())
    stdout, stderr = process.communicate()
    assert process.returncode in (0, 1)
    assert process.returncode == 0 or json.loads(stdout)["msg"]
    return os.fsdecode(stdout + stderr)
