"""`cni-hns diagnose`: what is in a bundle, what is not, and that it is made whatever hangs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cni_hns.diagnosis.collectors import COLLECTORS, Collector, Surroundings, collect, of_ports
from cni_hns.hcn.documents import add_endpoint
from tests.harness import SimulatedNode, l2bridge
from tests.unit.diagnosis.conftest import Shell, add_pod, in_bundle, texts

SECRET = "hunter2-Q7zR9k"  # noqa: S105 - it is there to be looked for


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def made(shell: Shell, tmp_path: Path, *arguments: str) -> Path:
    path = tmp_path / "bundle.zip"
    typed = shell("diagnose", "--output", str(path), "--conf-dir", str(tmp_path / "conf"), *arguments)
    assert typed.exit_code == 0, typed.err
    return path


class TestTheFirstPage:
    def test_has_every_pod_as_pod_list_has_it(self, shell: Shell, tmp_path: Path, sandbox: str) -> None:
        listed = shell.json("pod", "list")
        path = made(shell, tmp_path)
        assert in_bundle(path, "pods.json") == listed
        for page in ("index.html", "summary.txt"):
            page_text = dict(texts(path))[page]
            assert sandbox in page_text
            assert "10.88.0.2/24" in page_text
            assert listed[0]["namespace"] in page_text

    def test_has_what_the_doctor_finds(
        self, shell: Shell, tmp_path: Path, node: SimulatedNode, sandbox: str
    ) -> None:
        (row,) = node.rows()
        node.simulator.remove(row.endpoint_id or "")
        found = shell.json("doctor")
        assert found
        path = made(shell, tmp_path)
        assert in_bundle(path, "doctor.json") == found
        assert found[0]["cause"] in dict(texts(path))["summary.txt"]

    def test_names_of_others_forge_nothing(self, shell: Shell, tmp_path: Path, node: SimulatedNode) -> None:
        add_pod(node)
        name = "<script>alert(1)</script>\n</td>\x1b[31mill: forged"
        node.simulator.plant_endpoint("pods", Name=name)
        node.simulator.run_container("<img src=x>\nPODS (0)", owner="</table>")
        pages = dict(texts(made(shell, tmp_path)))
        assert "<script" not in pages["index.html"]
        assert "<img" not in pages["index.html"]
        assert "\x1b" not in pages["index.html"] + pages["summary.txt"]
        assert pages["summary.txt"].count("\nPODS (") == 1

    def test_asks_nobody_for_anything(self, shell: Shell, tmp_path: Path) -> None:
        page = dict(texts(made(shell, tmp_path)))["index.html"]
        assert "default-src 'none'" in page
        assert "http://" not in page
        assert "https://" not in page


class TestWhatIsInIt:
    def test_all_objects_of_hns_and_hcs(
        self, shell: Shell, tmp_path: Path, node: SimulatedNode, sandbox: str
    ) -> None:
        (row,) = node.rows()
        path = made(shell, tmp_path)
        assert [one["ID"] for one in in_bundle(path, "hns/endpoints.json")] == [row.endpoint_id]
        assert [one["State"] for one in in_bundle(path, "hns/v1-endpoints.json")] == [3]
        assert [one["Name"] for one in in_bundle(path, "hns/networks.json")] == ["pods"]
        assert row.namespace_id in [one["ID"] for one in in_bundle(path, "hns/namespaces.json")]
        assert [one["Id"] for one in in_bundle(path, "hcs/systems.json")] == [sandbox]
        assert in_bundle(path, "hns/endpoint-statistics.json")[0]["BytesReceived"] >= 0
        assert in_bundle(path, "ledger/integrity.json") == "sound"
        tables = in_bundle(path, "ledger/records.json")["tables"]
        assert [one["container_id"] for one in tables["attachments"]] == [sandbox]

    def test_the_configuration_the_log_and_the_reservations(
        self, shell: Shell, tmp_path: Path, node: SimulatedNode
    ) -> None:
        log = tmp_path / "logs" / "cni.log"
        config = l2bridge(log={"file": str(log)})
        config["ipam"]["type"] = "host-local"
        sandbox = add_pod(node, config)
        (tmp_path / "conf").mkdir()
        (tmp_path / "conf" / "10-pods.conf").write_text(json.dumps(config))
        path = made(shell, tmp_path)
        (shown,) = in_bundle(path, "configurations.json")
        assert shown["document"]["ipam"]["ranges"] == config["ipam"]["ranges"]
        lines = [json.loads(one) for one in dict(texts(path))["log/0.jsonl"].splitlines()]
        assert any(one["message"] == "ADD is done" for one in lines)
        (folder,) = in_bundle(path, "reservations.json").values()
        assert folder["pods"]["reservations"] == {"10.88.0.2": f'"{sandbox}" eth0'}

    def test_what_programs_print(self, shell: Shell, tmp_path: Path, no_programs: Path) -> None:
        program(no_programs, "crictl", 'echo "pods of $*"')
        said = dict(texts(made(shell, tmp_path)))["commands/crictl-pods.txt"]
        assert said == "$ crictl pods\npods of pods\n"

    def test_what_programs_print_moves_no_terminal(
        self, shell: Shell, tmp_path: Path, no_programs: Path
    ) -> None:
        program(no_programs, "crictl", "printf 'a\\tb\\033[2J\\r\\nc\\n'")
        said = dict(texts(made(shell, tmp_path)))["commands/crictl-pods.txt"]
        assert said == "$ crictl pods\na\tb\\x1b[2J\nc\n"

    def test_a_folder_that_is_not_there_is_said_at_once(self, shell: Shell, tmp_path: Path) -> None:
        typed = shell("diagnose", "--output", str(tmp_path / "nowhere" / "a.zip"))
        assert (typed.exit_code, "there is no folder" in typed.err) == (1, True)

    def test_a_log_of_any_size_costs_its_end_only(self, shell: Shell, tmp_path: Path) -> None:
        log = tmp_path / "cni.log"
        with log.open("w") as file:
            file.truncate(1 << 30)
            file.seek(0, os.SEEK_END)
            file.write('\n{"message": "the last line"}\n')
        (tmp_path / "conf").mkdir()
        document = l2bridge(log={"file": str(log)})
        (tmp_path / "conf" / "10-pods.conf").write_text(json.dumps(document))
        path = made(shell, tmp_path)
        assert dict(texts(path))["log/0.jsonl"].endswith('{"message": "the last line"}\n')
        assert path.stat().st_size < 1 << 20

    def test_a_ledger_that_is_damaged_is_told(
        self, shell: Shell, tmp_path: Path, node: SimulatedNode
    ) -> None:
        add_pod(node)
        Path(node.ledger_path).write_bytes(b"no ledger" * 1000)
        for log in ("-wal", "-shm"):
            Path(node.ledger_path + log).unlink(missing_ok=True)
        path = made(shell, tmp_path)
        assert "is damaged" in dict(texts(path))["summary.txt"]
        assert in_bundle(path, "ledger/records.json") is None

    def test_only_its_maker_can_read_it(self, shell: Shell, tmp_path: Path) -> None:
        assert made(shell, tmp_path).stat().st_mode & 0o077 == 0

    def test_a_file_that_is_there_is_not_replaced(self, shell: Shell, tmp_path: Path) -> None:
        (tmp_path / "there.zip").write_text("mine")
        typed = shell("diagnose", "--output", str(tmp_path / "there.zip"))
        assert (typed.exit_code, (tmp_path / "there.zip").read_text()) == (1, "mine")
        assert "is there already" in typed.err


@pytest.mark.timeout(30)
class TestWhatHangs:
    """Each of these would never end; the time limit of the tests says so."""

    @pytest.mark.parametrize(
        ("function", "missing"),
        [
            ("HcnEnumerateEndpoints", "hns/endpoints.json"),
            ("HNSCall", "hns/v1-endpoints.json"),
            ("HcsEnumerateComputeSystems", "hcs/systems.json"),
        ],
    )
    def test_is_left_out_and_the_rest_is_there(
        self, shell: Shell, tmp_path: Path, node: SimulatedNode, sandbox: str, function: str, missing: str
    ) -> None:
        node.simulator.inject(function=function, hang=True, count=0)
        path = made(shell, tmp_path, "--timeout", "4")
        assert in_bundle(path, missing) is None
        assert "no answer within" in dict(texts(path))["summary.txt"]
        assert [one["Name"] for one in in_bundle(path, "hns/networks.json")] == ["pods"]
        assert in_bundle(path, "pods.json")[0]["id"] == sandbox

    def test_everything_of_hns_hangs(
        self, shell: Shell, tmp_path: Path, node: SimulatedNode, sandbox: str
    ) -> None:
        node.simulator.inject(hang=True, count=0)
        path = made(shell, tmp_path, "--timeout", "4")
        assert in_bundle(path, "hns/networks.json") is None
        assert in_bundle(path, "ledger/integrity.json") == "sound"
        assert in_bundle(path, "pods.json")[0]["id"] == sandbox

    def test_a_program_is_ended_at_its_limit(self, no_programs: Path) -> None:
        program(no_programs, "slow", "echo first; while :; do :; done")
        done = collect(
            Surroundings("posix", (str(no_programs),), {}),
            20,
            [Collector("slow", ("slow",), 0.5, ("posix",))],
        )
        assert done["slow"].value == "$ slow\nfirst\n(ended after 0 s: this is what it had printed)\n"

    def test_a_program_that_never_stops_printing_is_cut(self, no_programs: Path) -> None:
        program(no_programs, "loud", "exec yes")
        done = collect(
            Surroundings("posix", (str(no_programs),), {}), 30, [Collector("loud", ("loud",), 20, ("posix",))]
        )
        assert "(it printed more: the rest is left out)" in done["loud"].value
        assert len(done["loud"].value) < 2 << 20


def test_the_collectors_of_windows_are_run_by_their_table(no_programs: Path) -> None:
    """Each of the table, played by one script under all their names."""
    for name in {one.command[0] for one in COLLECTORS}:
        program(no_programs, name, f'echo "{name} $*"')
    done = collect(Surroundings("nt", (str(no_programs),), {}), 60)
    assert {name: one.reason for name, one in done.items() if one.reason} == {}
    assert len(done) == len(COLLECTORS)
    assert done["service-hns"].value == "$ sc queryex hns\nsc queryex hns\n"


def test_the_ports_of_endpoints_are_asked_for_too() -> None:
    endpoints: list[dict[str, Any]] = [
        {"additionalparams": {"SwitchPortId": "{5F0C3B1E-0000-4111-8222-333344445555}"}},
        {"AdditionalParams": {"SwitchPortId": "no port & calc.exe"}},
        {"AdditionalParams": None},
        {},
    ]
    assert [one.command for one in of_ports(endpoints)] == [
        ("vfpctrl", "/port", "5F0C3B1E-0000-4111-8222-333344445555", f"/{word}")
        for word in ("get-port-state", "get-port-counter", "list-rule")
    ]


def test_names_of_collectors_are_those_of_files() -> None:
    names = [one.name for one in COLLECTORS]
    assert len(set(names)) == len(names)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for name in names)


class TestSecrets:
    """Planted wherever a collector reads, and looked for in every file of the bundle."""

    def test_none_is_in_the_bundle(
        self, shell: Shell, tmp_path: Path, node: SimulatedNode, no_programs: Path
    ) -> None:
        log = tmp_path / "cni.log"
        config = configuration_with_secrets(log)
        sandbox, namespace = "c" * 64, node.namespace()
        args = f"IgnoreUnknown=1;TOKEN={SECRET}"
        plain = l2bridge(log={"file": str(log), "level": "debug"})
        plain |= {"runtimeConfig": {"io.kubernetes.cri.pod-annotations": {"a": SECRET}}, "x-token": SECRET}
        plain |= {"args": {"cni": {"labels": [{"key": "a", "value": SECRET}]}}}
        assert node.call("ADD", plain, sandbox, namespace, args=args).exit_code == 0
        node.simulator.start_container(namespace, sandbox)
        plant_in_hns(node, sandbox)
        plant_in_the_ledger(node)
        with log.open("a") as file:
            file.write(json.dumps({"message": "x", "token": SECRET, "others": {"a": SECRET}}) + "\n")
            file.write(json.dumps({"message": f"sent Authorization: Bearer {SECRET}"}) + "\n")
            file.write(f"no JSON {SECRET}\n")
        (tmp_path / "conf").mkdir()
        (tmp_path / "conf" / "10-pods.conf").write_text(json.dumps(config))
        (tmp_path / "conf" / "20-other.conflist").write_text(
            json.dumps({"name": "o", "plugins": [{"type": "calico", "kubernetes": {"kubeconfig": SECRET}}]})
        )
        for name in ("ctr", "crictl", "containerd"):
            program(
                no_programs,
                name,
                f"/bin/cat <<'EOF'\n{PRINTED}\nEOF\n/bin/cat >&2 <<'EOF'\n{PRINTED}\nEOF\n/usr/bin/env",
            )
        os.environ["CNI_HNS_TOKEN_OF_A_TEST"] = SECRET
        (tmp_path / "config.toml").write_text(CONTAINERD)
        try:
            path = made(shell, tmp_path, "--containerd-config", str(tmp_path / "config.toml"))
        finally:
            del os.environ["CNI_HNS_TOKEN_OF_A_TEST"]
        found = {name for name, text in texts(path) if SECRET in text or SECRET[:12] in text}
        assert found == set()
        assert in_bundle(path, "containerd.json")["bin_dir"] == "/opt/cni/bin"
        assert dict(texts(path))["commands/crictl-pods.txt"].count("characters)") > 10


PRINTED = f"""
--password {SECRET} --token={SECRET} -password "{SECRET} and more {SECRET}"
Authorization: Bearer {SECRET}
Authorization: Basic {SECRET}
curl -H 'Authorization: Digest username="x", response="{SECRET}"'
{{"auths": {{"registry": {{"auth": "{SECRET}", "password": "{SECRET}"}}}}}}
[plugins."io.containerd.grpc.v1.cri".registry.configs."r".auth] password = "{SECRET}"
AZURE_CLIENT_SECRET={SECRET} MY_API_KEY: {SECRET} AccountKey={SECRET};x=1
https://user:{SECRET}@registry.example/v2 and https://{SECRET}@registry.example/
https://account.blob.example/x?sv=1&sig={SECRET}
-----BEGIN RSA PRIVATE KEY-----
{SECRET}
-----END RSA PRIVATE KEY-----
"""


CONTAINERD = f"""
version = 2
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/opt/cni/bin"
token = "{SECRET}"
[plugins."io.containerd.grpc.v1.cri".registry.configs."registry.example".auth]
username = "me"
password = "{SECRET}"
auth = "{SECRET}"
"""


def configuration_with_secrets(log: Path) -> dict[str, Any]:
    config = l2bridge(log={"file": str(log), "password": SECRET})
    config |= {"x-token": SECRET, "deep": [{"er": SECRET}], "kubeconfig": SECRET}
    config["network"]["password"] = SECRET
    config["ipam"]["password"] = SECRET
    config["ipam"]["ranges"][0][0]["password"] = SECRET
    config["policies"] = [{"Type": "ACL", "Settings": {"Password": SECRET}, "Password": SECRET}]
    config["AdditionalArgs"] = [{"Name": "EndpointPolicy", "Value": SECRET}]
    config["policies"].append({"Type": "ACL", "Settings": SECRET, "Value": {"Key": SECRET}})
    config["runtimeConfig"] = {"io.kubernetes.cri.pod-annotations": {"a": SECRET}}
    config["args"] = {"cni": {"labels": [{"key": "a", "value": SECRET}], "password": SECRET}}
    config["prevResult"] = {"cniVersion": "1.1.0", "password": SECRET, "ips": [{"token": SECRET}]}
    return config


def plant_in_hns(node: SimulatedNode, sandbox: str) -> None:
    """Documents of other programs, also of a compute system with an environment."""
    with node.simulator.store.transaction() as state:
        for table in ("endpoints", "networks", "namespaces"):
            for guid, text in state.rows(f"SELECT id, document FROM {table}"):  # noqa: S608
                document = json.loads(text)
                document["Policies"] = [{"Type": "Vendor", "Settings": {"Password": SECRET, "Token": SECRET}}]
                document["Dns"] = {"Password": SECRET}
                state.run(f"UPDATE {table} SET document = ? WHERE id = ?", json.dumps(document), guid)  # noqa: S608
        state.run(
            "UPDATE systems SET document = ?",
            json.dumps(
                {
                    "shown": {
                        "Id": sandbox,
                        "SystemType": "Container",
                        "State": "Running",
                        "Environment": {"TOKEN": SECRET},
                        "ProcessList": [{"CommandLine": f"x --password {SECRET}"}],
                    }
                }
            ),
        )


def plant_in_the_ledger(node: SimulatedNode) -> None:
    from cni_hns.deadline import Deadline
    from cni_hns.ledger import open_ledger
    from cni_hns.ledger.seal import opened, sealed

    ledger = open_ledger(node.ledger_path, Deadline(30))
    (request, result), *_ = ledger.connection.execute("SELECT request, result FROM attachments")
    changed = {**json.loads(opened(request)), "Password": SECRET}
    answered = {**json.loads(opened(result)), "token": SECRET}
    with ledger.transaction():
        ledger.connection.execute(
            "UPDATE attachments SET request = ?, result = ?, fingerprint = ?",
            (sealed(json.dumps(changed)), sealed(json.dumps(answered)), json.dumps({"a": SECRET})),
        )
        ledger.keep_fact("other", {"secret": SECRET})
    ledger.close()


def test_an_attached_endpoint_of_a_stranger_is_no_pod_of_ours(shell: Shell, node: SimulatedNode) -> None:
    """The joined picture is the survey's, whoever made the endpoints."""
    add_pod(node)
    stranger, namespace = node.simulator.plant_endpoint("pods", Name="stranger"), node.namespace()
    with node.hcn.namespaces.open(namespace) as opened:
        opened.modify(add_endpoint(stranger))
    assert len(shell.json("pod", "list")) == 2
