"""Kubernetes' names of a pod, told in CNI_ARGS: kept with the attachment, shown, and in nobody's way."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from cni_hns.identity import KubernetesPod
from tests.harness import Answer, SimulatedNode, container_id, l2bridge
from tests.packaging import current

UID = "0d0d3a50-1111-4222-8333-444455556666"
WEB = KubernetesPod("shop", "web-0", UID, "sandbox-1")
NOBODY = KubernetesPod()


def arguments(pod: KubernetesPod = WEB) -> str:
    """What containerd writes."""
    return (
        f"K8S_POD_NAMESPACE={pod.namespace};K8S_POD_NAME={pod.name};K8S_POD_UID={pod.uid};"
        f"K8S_POD_INFRA_CONTAINER_ID={pod.infra_container_id};IgnoreUnknown=1"
    )


class Sandbox:
    """One sandbox, its verbs called with or without names."""

    def __init__(self, node: SimulatedNode, config: dict[str, Any] | None = None) -> None:
        self.node = node
        self.config = config or l2bridge()
        self.container, self.namespace = container_id(), node.namespace()

    def call(self, command: str, args: str = "", **changes: Any) -> Answer:
        return self.node.call(command, {**self.config, **changes}, self.container, self.namespace, args=args)

    def add(self, args: str = "") -> Answer:
        answer = self.call("ADD", args)
        assert answer.exit_code == 0, answer.words
        return answer

    @property
    def pod(self) -> KubernetesPod:
        (row,) = [one for one in self.node.rows() if one.key.container_id == self.container]
        return row.pod


class TestTheyAreKept:
    def test_with_the_attachment_until_its_del(self, node: SimulatedNode) -> None:
        sandbox = Sandbox(node)
        sandbox.add(arguments())
        assert sandbox.pod == WEB
        assert sandbox.call("DEL").exit_code == 0
        node.assert_clean()

    def test_by_a_repeated_add_that_tells_none(self, node: SimulatedNode) -> None:
        sandbox = Sandbox(node)
        first = sandbox.add(arguments())
        assert sandbox.add().document == first.document
        assert sandbox.pod == WEB

    def test_unless_the_dns_suffix_of_the_pod_comes_from_them(self, node: SimulatedNode) -> None:
        dns = {"nameservers": ["10.96.0.10"], "search": ["svc.example"], "searchInPodNamespace": True}
        sandbox = Sandbox(node, l2bridge(dns=dns))
        sandbox.add(arguments())
        answer = sandbox.call("ADD")
        assert answer.document["code"] == 7
        assert "pod_namespace" in answer.words

    def test_from_the_first_add_that_tells_them(self, node: SimulatedNode) -> None:
        """The attachment may be from before they were kept, or of a ledger that was rebuilt."""
        sandbox = Sandbox(node)
        first = sandbox.add()
        (before,) = node.rows()
        assert sandbox.add(arguments()).document == first.document
        (after,) = node.rows()
        assert after == before._replace(pod=WEB)

    def test_by_an_add_that_makes_the_endpoint_again(self, node: SimulatedNode) -> None:
        sandbox = Sandbox(node)
        sandbox.add(arguments())
        (row,) = node.rows()
        assert row.endpoint_id is not None
        node.hcn.endpoints.delete(row.endpoint_id)
        sandbox.add()
        assert sandbox.pod == WEB

    def test_though_the_ledger_is_of_an_older_program(self, node: SimulatedNode) -> None:
        sandbox = Sandbox(node)
        sandbox.add(arguments())
        _made_older(node)
        assert sandbox.add().exit_code == 0
        assert sandbox.pod == NOBODY
        sandbox.add(arguments())
        assert sandbox.pod == WEB

    def test_with_no_more_hns_calls_than_without(self, node: SimulatedNode) -> None:
        counted = []
        Sandbox(node).add()
        for args in ("", arguments()):
            sandbox = Sandbox(node)
            node.simulator.reset_journal()
            sandbox.add(args)
            sandbox.add(args)
            counted.append(node.calls())
        assert counted[0] == counted[1]


def _made_older(node: SimulatedNode) -> None:
    """As the version before names were kept left the file."""
    connection = sqlite3.connect(node.ledger_path)
    connection.execute("DROP TABLE blocks")
    for column in ("namespace", "name", "uid", "infra_container_id"):
        connection.execute(f"ALTER TABLE attachments DROP COLUMN pod_{column}")
    connection.execute("PRAGMA user_version = 3")
    connection.commit()
    connection.close()


class TestWhatIsNoName:
    @pytest.mark.parametrize(
        "value",
        [
            pytest.param("", id="nothing"),
            pytest.param("x" * 254, id="too long"),
            pytest.param("a b", id="a space"),
            pytest.param('web\n{"level": "error"}', id="a line's end"),
            pytest.param("web\x1b[2J", id="a terminal's command"),
            pytest.param("\N{RIGHT-TO-LEFT OVERRIDE}bew", id="a change of direction"),
            pytest.param("../web", id="a path"),
            pytest.param("wéb", id="another letter"),
        ],
    )
    def test_is_not_kept_and_fails_no_add(self, node: SimulatedNode, tmp_path: Path, value: str) -> None:
        file = tmp_path / "cni.log"
        sandbox = Sandbox(node, l2bridge(log={"file": current().path(file)}))
        sandbox.add(f"K8S_POD_NAME={value};K8S_POD_UID={value};K8S_POD_INFRA_CONTAINER_ID={value}")
        assert sandbox.pod == NOBODY
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        assert {line["verb"] for line in lines} == {"ADD"}
        assert not any("pod" in line for line in lines)
        assert not value or value not in str(lines)


class TestTheyAreShown:
    def test_on_every_line_of_the_log(self, node: SimulatedNode, tmp_path: Path) -> None:
        file = tmp_path / "cni.log"
        sandbox = Sandbox(node, l2bridge(log={"file": current().path(file)}))
        sandbox.add(arguments())
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        assert {line["pod"] for line in lines} == {"shop/web-0"}
        (begins,) = [line for line in lines if line["message"] == "ADD begins"]
        assert begins["args"]["K8S_POD_UID"] == UID

    def test_where_an_add_is_for_another_request(self, node: SimulatedNode) -> None:
        sandbox = Sandbox(node)
        sandbox.add(arguments())
        answer = sandbox.call("ADD", mtu=1400)
        assert answer.document["code"] == 7
        assert f"container {sandbox.container} (pod shop/web-0) to network" in answer.words

    def test_where_something_is_left_by_a_del_that_told_none(self, node: SimulatedNode) -> None:
        sandbox = Sandbox(node)
        sandbox.add(arguments())
        node.simulator.inject(function="HcnDeleteEndpoint", hresult=0x80004005, count=0)
        answer = sandbox.call("DEL")
        assert answer.document["code"] == 105
        assert "(pod shop/web-0)" in answer.words
        node.simulator.clear_faults()

    def test_of_whoever_has_the_address_that_is_asked_for(self, node: SimulatedNode) -> None:
        address = Sandbox(node).add(arguments()).document["ips"][0]["address"]
        answer = Sandbox(node).call("ADD", f"IP={address}")
        assert answer.document["code"] == 101
        assert "(pod shop/web-0)" in answer.words

    def test_of_whoever_has_the_host_port_that_is_asked_for(self, node: SimulatedNode) -> None:
        port = {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}
        mapped = l2bridge(runtimeConfig={"portMappings": [port]})
        Sandbox(node, mapped).add(arguments())
        answer = Sandbox(node, mapped).call("ADD")
        assert answer.exit_code == 1
        assert "of pod shop/web-0" in answer.words

    def test_of_some_that_have_the_addresses_where_none_is_left(self, node: SimulatedNode) -> None:
        few = l2bridge(ipam={"type": "cni-hns", "ranges": [[_range(2, 6)]]})
        for number in range(4):
            Sandbox(node, few).add(arguments(WEB._replace(name=f"web-{number}")))
        Sandbox(node, few).add()
        answer = Sandbox(node, few).call("ADD")
        assert answer.document["code"] == 101
        assert "5 held by running pods (shop/web-0, shop/web-1, shop/web-2 and 2 more)" in answer.words


def _range(first: int, last: int) -> dict[str, str]:
    return {
        "subnet": "10.88.0.0/24",
        "rangeStart": f"10.88.0.{first}",
        "rangeEnd": f"10.88.0.{last}",
    }
