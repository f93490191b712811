"""Values that nobody should write: each is refused with its path and the right code, and changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Answer, SimulatedNode, container_id, l2bridge
from tests.packaging import current

_ON_POSIX = pytest.mark.not_in("windows", reason="Windows has no pipes and devices in its folders")


def _subnet(prefix: str) -> dict[str, Any]:
    network = {**l2bridge()["network"], "subnets": [{"prefix": prefix}]}
    return {"network": network, "ipam": {"type": "cni-hns"}}


def _range(prefix: str) -> dict[str, Any]:
    return {"ipam": {"type": "cni-hns", "ranges": [[{"subnet": prefix}]]}}


def _refused(node: SimulatedNode, code: int, config: dict[str, Any], args: str = "") -> Answer:
    before = node.simulator.dump()
    answer = node.call("ADD", config, container_id(), node.namespace(), args=args)
    assert (answer.exit_code, answer.document["code"]) == (1, code), answer.words
    assert node.endpoints() == []
    assert node.leases() == []
    assert node.simulator.dump()["networks"] == before["networks"]
    return answer


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        pytest.param({"dataDir": "/state\0x"}, "dataDir", id="NUL in a folder"),
        pytest.param({"dataDir": "/a" * 60_000}, "dataDir", id="60,000 folders"),
        pytest.param({"dataDir": "/a" * 1_000}, "dataDir", id="1,000 folders"),
        pytest.param({"dataDir": "/" + "a" * 5_000}, "dataDir", id="a long folder"),
        pytest.param({"log": {"maxSizeMB": 1e305}}, "log.maxSizeMB", id="a huge log"),
        pytest.param({"log": {"file": "/var/a\nb"}}, "log.file", id="line end in a file"),
        pytest.param({"policies": [{"Type": ["ACL"]}]}, "policies[0].Type", id="a list of types"),
        pytest.param({"policies": [{"Type": {}}]}, "policies[0].Type", id="an object as a type"),
        pytest.param({"dns": {"domain": "a\0b"}}, "dns.domain", id="NUL in the domain"),
        pytest.param({"dns": {"search": ["a\0b"]}}, "dns.search[0]", id="NUL in a suffix"),
        pytest.param({"dns": {"options": ["a\x1bb"]}}, "dns.options[0]", id="escape in an option"),
        pytest.param(
            {"policies": [{"Type": "ACL", "Settings": {"Action": "Allow", "Direction": "In", "Id": "\0"}}]},
            "policies[0].Settings.Id",
            id="NUL in a policy",
        ),
        pytest.param({"ipam": {"type": "a\0b"}}, "ipam.type", id="NUL in a plugin's name"),
        pytest.param(
            {"runtimeConfig": {"dns": {"domain": "a\0"}}}, "runtimeConfig.dns.domain", id="runtime's"
        ),
        pytest.param(
            {"runtimeConfig": {"dns": {"searches": ["a\nb"]}}},
            "runtimeConfig.dns.searches[0]",
            id="runtime's list",
        ),
        *[
            pytest.param({"type": name, "ipam": {"type": "host-local", "ranges": 5}}, "ipam.ranges", id=name)
            for name in ("win-bridge", "win-overlay", "nat", "sdnoverlay")
        ],
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_path(
    node: SimulatedNode, changes: dict[str, Any], path: str
) -> None:
    answer = _refused(node, 7, l2bridge(**changes))
    assert path in answer.words
    assert "\n" not in answer.document["msg"]


@pytest.mark.parametrize(
    "prefix",
    [
        "127.0.0.0/8",
        "127.1.0.0/16",
        "224.0.0.0/4",
        "0.0.0.0/8",
        "0.0.0.0/0",
        "240.0.0.0/4",
        "255.255.255.0/24",
    ],
)
def test_a_prefix_that_no_pod_can_have_is_refused(node: SimulatedNode, prefix: str) -> None:
    assert "network.subnets[0].prefix: no pod can" in _refused(node, 7, l2bridge(**_subnet(prefix))).words
    assert "ipam.ranges[0][0].subnet: no pod can" in _refused(node, 7, l2bridge(**_range(prefix))).words
    sent = {"runtimeConfig": {"ipRanges": [[{"subnet": prefix}]]}}
    assert "runtimeConfig.ipRanges[0][0].subnet: no pod can" in _refused(node, 7, l2bridge(**sent)).words


@pytest.mark.parametrize("prefix", ["::/64", "::ffff:10.0.0.0/104", "fe80::/64", "ff02::/64"])
def test_an_ipv6_prefix_that_no_pod_can_have_is_refused(node: SimulatedNode, prefix: str) -> None:
    ranges = [[{"subnet": "10.88.0.0/24"}], [{"subnet": prefix}]]
    answer = _refused(node, 7, l2bridge(ipam={"type": "cni-hns", "ranges": ranges}))
    assert "ipam.ranges[1][0].subnet: no pod can" in answer.words


def test_link_local_ipv4_addresses_may_be_given(node: SimulatedNode) -> None:
    config = l2bridge(**_subnet("169.254.30.0/24"))
    assert node.call("ADD", config, container_id(), node.namespace()).addresses == ["169.254.30.2/24"]


@pytest.mark.parametrize(
    "address", ["10.88.0.9/255.255.255.0", "10.88.0.9/0.0.0.255", "10.88.0.9/", "10.88.0.9"]
)
@pytest.mark.parametrize("version", ["0.2.0", "0.4.0", "1.1.0"])
def test_a_prev_result_with_a_mask_is_not_read(node: SimulatedNode, address: str, version: str) -> None:
    previous = {"cniVersion": version, "ips": [{"address": address}], "ip4": {"ip": address}}
    answer = _refused(node, 6, l2bridge(cniVersion=version, prevResult=previous))
    assert ("prevResult.ip4.ip" if version == "0.2.0" else "prevResult.ips[0].address") in answer.words


@pytest.mark.parametrize("namespace", ["evil.com,x y\n", "a b", "a\tb", "a..b", ".", "-", "a" * 64, "ä"])
def test_a_pod_namespace_that_is_no_dns_name_is_refused(node: SimulatedNode, namespace: str) -> None:
    config = l2bridge(dns={"search": ["svc.cluster.local"], "searchInPodNamespace": True})
    answer = _refused(node, 4, config, args=f"IgnoreUnknown=1;K8S_POD_NAMESPACE={namespace}")
    assert "K8S_POD_NAMESPACE" in answer.words
    assert namespace not in answer.words or len(namespace) == 1


class TestALog:
    """A process each: what it has on stdin and stdout matters."""

    @staticmethod
    def _run(node: SimulatedNode, command: str, config: dict[str, Any]) -> subprocess.CompletedProcess[bytes]:
        pod = ("pod", node.namespace()) if command in {"ADD", "DEL"} else ("", "")
        process = node.start(command, config, *pod)
        stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    @pytest.mark.parametrize("file", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "//dev/../dev/stdout"])
    def test_that_is_a_device_is_refused_where_the_configuration_is_checked(
        self, node: SimulatedNode, file: str
    ) -> None:
        answer = _refused(node, 7, l2bridge(log={"file": file}))
        assert "log.file" in answer.words
        assert "is a device" in answer.words

    @pytest.mark.parametrize(
        "file",
        ["C:\\logs\\nul", "c:/x/COM1.log", "\\\\.\\pipe\\x", "C:\\CON", "\\\\?\\GLOBALROOT\\Device\\Null"],
    )
    def test_that_is_a_device_of_windows_too(self, node: SimulatedNode, file: str) -> None:
        assert "is a device" in _refused(node, 7, l2bridge(log={"file": file})).words

    @_ON_POSIX
    @pytest.mark.parametrize("command", ["DEL", "GC", "STATUS"])
    @pytest.mark.parametrize("file", ["/dev/stdout", "/proc/self/fd/1", "a link"])
    def test_never_stands_inside_the_answer(
        self, node: SimulatedNode, tmp_path: Path, command: str, file: str
    ) -> None:
        if file == "a link":
            (tmp_path / "link").symlink_to("/dev/stdout")
            file = str(tmp_path / "link")
        done = self._run(node, command, l2bridge(log={"file": file, "level": "debug"}))
        assert b"DEL begins" not in done.stdout
        json.loads(done.stdout or b"{}")

    @_ON_POSIX
    @pytest.mark.parametrize("command", ["ADD", "DEL", "GC", "STATUS"])
    @pytest.mark.parametrize("read", [False, True], ids=["nobody reads", "somebody reads"])
    def test_that_is_a_pipe_keeps_no_verb(
        self, node: SimulatedNode, tmp_path: Path, command: str, read: bool
    ) -> None:
        fifo = tmp_path / "cni.log"
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK) if read else None
        done = self._run(node, command, l2bridge(log={"file": str(fifo)}, timeout=60))
        assert done.returncode == 0, done.stdout
        assert b"is no regular file" in done.stderr
        if reader is not None:
            os.close(reader)

    @_ON_POSIX
    def test_whose_complaint_nobody_reads_ends_at_the_deadline(
        self, node: SimulatedNode, tmp_path: Path
    ) -> None:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        while True:
            try:
                os.write(writing, b"x" * 4096)
            except BlockingIOError:
                break
        os.set_blocking(writing, True)
        done = subprocess.run(
            current().command(),
            input=json.dumps(l2bridge(log={"file": str(tmp_path)}, timeout=2)).encode(),
            env={**os.environ, **node.environment, "CNI_COMMAND": "STATUS"},
            stdout=subprocess.PIPE,
            stderr=writing,
            timeout=60,
            check=False,
        )
        os.close(reading)
        os.close(writing)
        assert (done.returncode, json.loads(done.stdout)["code"]) == (1, 50)


@pytest.mark.parametrize("name", ["x\ncni-hns: error: forged", "x\x1b[2Kforged", "x\u2028forged"])
def test_an_endpoint_s_name_forges_no_line_of_stderr(node: SimulatedNode, tmp_path: Path, name: str) -> None:
    assert node.call("ADD", l2bridge(), "first", node.namespace()).exit_code == 0
    node.foreign(name, "10.88.0.3")
    file = tmp_path / "cni.log"
    process = node.start("ADD", l2bridge(log={"file": current().path(file)}), "second", node.namespace())
    _, stderr = process.communicate()
    assert process.returncode == 0
    assert b"forged" in stderr
    assert all(line.startswith("cni-hns: warning: ") for line in stderr.decode().splitlines())
    assert stderr.decode().replace("\n", "").replace("\r", "").isprintable()
    assert all(json.loads(line)["pid"] for line in file.read_text().splitlines())
