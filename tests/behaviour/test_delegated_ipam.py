"""An external IPAM plugin: asked as the specification says, its answer applied, its addresses given back."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from cni_hns.attachment.secrets import OPEN
from cni_hns.dialects.models import Native
from tests.behaviour.ipam_plugin import RESULT, FakeIpam
from tests.behaviour.scene import configured, last, plant
from tests.harness import Answer, SimulatedNode, container_id
from tests.packaging import current


class Pod:
    """An attachment whose addresses come from the plugin."""

    def __init__(self, node: SimulatedNode, plugin: FakeIpam, **changes: Any) -> None:
        self.node, self.ipam = node, plugin
        settings = {"ipam": {"type": "fake-ipam"}, "dns": {}, **changes}
        self.config = configured("l2bridge", **settings)
        self.namespace, self.container = node.namespace(), container_id()

    def call(self, command: str, *, args: str = "", path: str | None = None, **more: Any) -> Answer:
        folders = self.ipam.path if path is None else path
        config = {**self.config, **more}
        return self.node.call(command, config, self.container, self.namespace, args=args, path=folders)

    def added(self, **more: Any) -> Answer:
        answer = self.call("ADD", **more)
        assert answer.exit_code == 0, answer.words
        return answer

    def refused(self, code: int, **more: Any) -> Answer:
        """A failed ADD, which leaves nothing."""
        answer = self.call("ADD", **more)
        assert (answer.exit_code, answer.document["code"]) == (1, code), answer.words
        self.node.assert_clean()
        assert self.node.in_namespace(self.namespace) == set()
        return answer


@pytest.fixture
def ipam(tmp_path: Path) -> FakeIpam:
    return FakeIpam(tmp_path / "plugins")


@pytest.fixture
def pod(node: SimulatedNode, ipam: FakeIpam) -> Pod:
    return Pod(node, ipam)


class TestAdd:
    """What the plugin answers is what the endpoint has."""

    def test_address_gateway_routes_and_dns_are_applied(self, pod: Pod) -> None:
        document = pod.added().document
        endpoint = last(pod.node)
        assert endpoint.addresses == [("10.88.0.77", 24)]
        assert sorted(endpoint.routes) == [("0.0.0.0/0", "10.88.0.1"), ("192.0.2.0/24", "10.88.0.9")]
        assert endpoint.dns == {"ServerList": ["198.51.100.1"], "Search": ["ipam.example"]}
        assert document["ips"] == [{"address": "10.88.0.77/24", "gateway": "10.88.0.1", "interface": 0}]
        assert document["dns"] == {"nameservers": ["198.51.100.1"], "search": ["ipam.example"]}

    def test_its_gateway_is_the_endpoints(self, pod: Pod) -> None:
        other = {**RESULT, "ips": [{"address": "10.88.0.77/24", "gateway": "10.88.0.254"}], "routes": []}
        pod.ipam.answer("ADD", other)
        assert pod.added().document["ips"][0]["gateway"] == "10.88.0.254"
        assert last(pod.node).routes == [("0.0.0.0/0", "10.88.0.254")]

    def test_the_configurations_dns_goes_before_its(self, node: SimulatedNode, ipam: FakeIpam) -> None:
        Pod(node, ipam, dns={"nameservers": ["10.96.0.10"]}).added()
        assert last(node).dns == {"ServerList": ["10.96.0.10"], "Search": ["ipam.example"]}

    def test_an_answer_in_an_old_version_is_understood(self, node: SimulatedNode, ipam: FakeIpam) -> None:
        ipam.answer("ADD", {"cniVersion": "0.2.0", "ip4": {"ip": "10.88.0.77/24", "gateway": "10.88.0.1"}})
        answer = Pod(node, ipam, cniVersion="0.2.0").added()
        assert answer.document["ip4"]["ip"] == "10.88.0.77/24"

    def test_it_gets_the_bytes_that_we_got(self, pod: Pod) -> None:
        """A configuration that is written anew loses what the writer does not know."""
        text = json.dumps(pod.config, indent=3).replace('"fake-ipam"', '"fake-ipam", "pool" : 1e2')
        answer = pod.node.call("ADD", text.encode(), pod.container, pod.namespace, path=pod.ipam.path)
        assert answer.exit_code == 0, answer.words
        assert pod.ipam.calls[0]["stdin"] == text

    def test_it_gets_the_variables_of_the_attachment(self, pod: Pod) -> None:
        pod.added(args="K8S_POD_NAME=web;IgnoreUnknown=1")
        variables = pod.ipam.calls[0]["variables"]
        # Where the simulated HNS is found is no variable of CNI.
        assert {key: text for key, text in variables.items() if not key.startswith("CNI_HNS_")} == {
            "CNI_COMMAND": "ADD",
            "CNI_CONTAINERID": pod.container,
            "CNI_NETNS": pod.namespace,
            "CNI_IFNAME": "eth0",
            "CNI_ARGS": "K8S_POD_NAME=web;IgnoreUnknown=1",
            "CNI_PATH": pod.ipam.path,
        }

    def test_the_first_folder_that_has_it_counts(self, pod: Pod, tmp_path: Path) -> None:
        second = FakeIpam(tmp_path / "second")
        empty = tmp_path / "empty"
        empty.mkdir()
        pod.added(path=current().path_list(empty, pod.ipam.folder, second.folder))
        assert (pod.ipam.commands, second.commands) == (["ADD"], [])

    def test_a_repeated_add_does_not_ask_again(self, pod: Pod) -> None:
        first = pod.added()
        assert pod.call("ADD") == first
        assert pod.ipam.commands == ["ADD"]

    def test_a_lost_endpoint_is_made_again_as_it_was_without_asking(self, pod: Pod) -> None:
        first = pod.added()
        lost = last(pod.node)
        pod.node.hcn.endpoints.delete(lost.id)
        assert pod.call("ADD") == first
        again = last(pod.node)
        assert (again.addresses, again.routes, again.dns) == (lost.addresses, lost.routes, lost.dns)
        assert pod.ipam.commands == ["ADD"]

    def test_a_lost_endpoint_that_cannot_be_made_again_keeps_its_address(self, pod: Pod) -> None:
        pod.added()
        pod.node.hcn.endpoints.delete(last(pod.node).id)
        pod.node.simulator.inject(function="HcnCreateEndpoint", hresult=0x80004005)
        assert pod.call("ADD").exit_code == 1
        assert pod.ipam.commands == ["ADD"]
        assert pod.call("ADD").exit_code == 0


class TestFailingAdd:
    """Whatever fails, the plugin's DEL is run and nothing is left; its error is passed on."""

    def test_its_code_and_words_are_passed_on(self, pod: Pod) -> None:
        pod.ipam.fail("ADD", 114, "the pool is dry", "ask the pool's owner")
        answer = pod.refused(114)
        assert "fake-ipam" in answer.words
        assert "the pool is dry" in answer.words
        assert "ask the pool's owner" in answer.words
        assert pod.ipam.commands == ["ADD", "DEL"]

    def test_its_words_lose_the_values_of_cni_args(self, pod: Pod) -> None:
        pod.ipam.fail("ADD", 114, "who is hunter2-the-token?", "hunter2-the-token again")
        answer = pod.refused(114, args="TOKEN=hunter2-the-token;IgnoreUnknown=1")
        assert "who is" in answer.words
        assert "hunter2" not in answer.stdout

    def test_its_words_keep_the_address_that_was_asked_for(self, pod: Pod) -> None:
        pod.ipam.fail("ADD", 114, "10.88.0.44 of 02:00:00:00:00:44 is taken")
        answer = pod.refused(114, args="IP=10.88.0.44;MAC=02:00:00:00:00:44")
        assert "10.88.0.44 of 02:00:00:00:00:44 is taken" in answer.words

    def test_an_argument_that_only_claims_to_be_an_address_is_masked(self, pod: Pod) -> None:
        pod.added()
        pod.ipam.fail("DEL", 114, "who is hunter2-the-token?")
        answer = pod.call("DEL", args="IP=hunter2-the-token")
        assert answer.document["code"] == 114
        assert "hunter2" not in answer.stdout

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"vault": {"keys": ["hunter2-the-token"]}}, id="of a key of nobody's"),
            pytest.param({"ipam": {"type": "fake-ipam", "password": "hunter2-the-token"}}, id="in ipam"),
            pytest.param({"args": {"vendor": {"token": "hunter2-the-token"}}}, id="in args"),
            pytest.param(
                {"runtimeConfig": {"io.kubernetes.cri.pod-annotations": {"token": "hunter2-the-token"}}},
                id="in the pod's annotations",
            ),
        ],
    )
    def test_its_words_lose_the_values_of_unknown_keys(
        self, node: SimulatedNode, ipam: FakeIpam, changes: dict[str, Any]
    ) -> None:
        ipam.fail("ADD", 114, "hunter2-the-token is wrong in 10.88.0.0/24")
        answer = Pod(node, ipam, **changes).refused(114)
        assert "hunter2" not in answer.stdout
        assert "is wrong in 10.88.0.0/24" in answer.words, "what is not secret is left as it is"

    def test_what_it_writes_to_stderr_loses_them_too(
        self, pod: Pod, capfd: pytest.CaptureFixture[str]
    ) -> None:
        pod.ipam.answer("ADD", RESULT, stderr="warning: hunter2-the-token is old\n")
        pod.added(args="TOKEN=hunter2-the-token;IgnoreUnknown=1")
        written = capfd.readouterr().err
        assert "is old" in written
        assert "hunter2" not in written

    def test_every_key_of_ours_may_be_shown(self) -> None:
        aliases = {field.alias or name for name, field in Native.model_fields.items()}
        assert {name.lower() for name in aliases} - {"ipam"} <= OPEN

    @pytest.mark.parametrize("result", [{"cniVersion": "1.1.0"}, {"cniVersion": "1.1.0", "ips": []}, {}])
    def test_a_result_without_an_address_is_an_error(self, pod: Pod, result: dict[str, Any]) -> None:
        pod.ipam.answer("ADD", result)
        assert "gave no address" in pod.refused(7).words
        assert pod.ipam.commands == ["ADD", "DEL"]

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", 6),
            ("all is well", 6),
            ("[]", 6),
            ('{"cniVersion":"1.1.0","ips":[{"address":"10.88.0.300/24"}]}', 6),
        ],
    )
    def test_success_without_a_usable_result_is_an_error(self, pod: Pod, text: str, code: int) -> None:
        pod.ipam.answer("ADD", stdout=text)
        assert "fake-ipam" in pod.refused(code).words
        assert pod.ipam.commands == ["ADD", "DEL"]

    def test_a_crash_is_told_with_what_it_said(self, pod: Pod) -> None:
        pod.ipam.answer("ADD", exit=3, stderr="cannot reach the pool server")
        answer = pod.refused(107)
        assert "exit status 3" in answer.words
        assert "cannot reach the pool server" in answer.words
        assert pod.ipam.commands == ["ADD", "DEL"]

    def test_one_that_is_not_there_is_told_with_the_folders(self, pod: Pod, tmp_path: Path) -> None:
        answer = pod.refused(4, path=current().path(tmp_path))
        assert '"fake-ipam"' in answer.words
        assert current().path(tmp_path) in answer.words
        assert pod.ipam.commands == []

    def test_an_address_beside_the_networks_subnets_is_told_with_both(self, pod: Pod) -> None:
        pod.ipam.answer("ADD", {"cniVersion": "1.1.0", "ips": [{"address": "10.99.0.5/24"}]})
        answer = pod.refused(7)
        assert "10.99.0.5" in answer.words
        assert "10.88.0.0/24" in answer.words
        assert pod.ipam.commands == ["ADD", "DEL"]

    def test_more_addresses_than_an_endpoint_holds_are_an_error(self, pod: Pod) -> None:
        both = [{"address": "10.88.0.77/24"}, {"address": "10.88.0.78/24"}]
        pod.ipam.answer("ADD", {"cniVersion": "1.1.0", "ips": both})
        answer = pod.refused(7)
        assert "10.88.0.77" in answer.words
        assert "10.88.0.78" in answer.words
        assert pod.ipam.commands == ["ADD", "DEL"]

    def test_the_gateway_as_a_pods_address_is_an_error(self, pod: Pod) -> None:
        pod.ipam.answer("ADD", {"cniVersion": "1.1.0", "ips": [{"address": "10.88.0.1/24"}]})
        assert "gateway" in pod.refused(7).words
        assert pod.ipam.commands == ["ADD", "DEL"]

    def test_an_address_that_hns_refuses_is_told_with_its_holder(self, pod: Pod) -> None:
        plant(pod.node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        pod.node.foreign("foreign", "10.88.0.77")
        answer = pod.call("ADD")
        assert answer.document["code"] == 100
        assert 'endpoint "foreign"' in answer.words
        assert (pod.node.rows(), pod.ipam.commands) == ([], ["ADD", "DEL"])

    def test_one_that_hangs_is_ended_and_its_del_is_run(self, pod: Pod) -> None:
        pod.ipam.answer("ADD", hang=True)
        answer = pod.refused(11, timeout={"add": 2 * current().slowness})
        assert "did not answer ADD" in answer.words
        assert pod.ipam.commands == ["ADD", "DEL"]
        assert not pod.ipam.is_running()

    def test_where_its_del_fails_too_the_row_stays_for_the_next_del(self, pod: Pod) -> None:
        pod.ipam.fail("ADD", 114, "the pool is dry")
        pod.ipam.fail("DEL", 115, "the pool does not answer")
        answer = pod.call("ADD")
        assert answer.document["code"] == 114
        assert "the pool does not answer" in answer.words
        assert len(pod.node.rows()) == 1
        pod.ipam.answer("DEL")
        assert pod.call("DEL").exit_code == 0
        pod.node.assert_nothing_owned()

    def test_a_killed_add_is_cleared_away_with_the_plugins_del_before_it_is_asked_again(
        self, pod: Pod
    ) -> None:
        pod.node.simulator.inject(function="HcnCreateEndpoint", die="before")
        killed = pod.node.process("ADD", pod.config, pod.container, pod.namespace, path=pod.ipam.path)
        assert killed.exit_code != 0
        pod.node.simulator.forget_leaks()
        assert pod.added().addresses == ["10.88.0.77/24"]
        assert pod.ipam.commands == ["ADD", "DEL", "ADD"]


class TestDel:
    """The plugin's address is free only when no endpoint has it."""

    def test_the_endpoint_goes_first(self, pod: Pod) -> None:
        pod.added()
        pod.node.simulator.inject(function="HcnDeleteEndpoint", hresult=0x80004005)
        assert pod.call("DEL").exit_code == 1
        assert pod.ipam.commands == ["ADD"]
        assert pod.call("DEL").exit_code == 0
        assert pod.ipam.commands == ["ADD", "DEL"]
        pod.node.assert_clean()

    def test_it_is_called_without_a_namespace_too(self, pod: Pod) -> None:
        pod.added()
        pod.namespace = ""
        assert pod.call("DEL").exit_code == 0
        variables = pod.ipam.calls[-1]["variables"]
        assert variables["CNI_COMMAND"] == "DEL"
        assert variables["CNI_CONTAINERID"] == pod.container

    def test_a_second_del_is_passed_on_too(self, pod: Pod) -> None:
        pod.added()
        for _ in range(2):
            assert pod.call("DEL").exit_code == 0
        assert pod.ipam.commands == ["ADD", "DEL", "DEL"]

    def test_its_failure_is_reported_after_everything_else_is_gone(self, pod: Pod) -> None:
        pod.added()
        pod.ipam.fail("DEL", 115, "lease not found, no such file or directory")
        answer = pod.call("DEL")
        assert (answer.exit_code, answer.document["code"]) == (1, 115)
        assert pod.node.endpoints() == []
        assert pod.node.in_namespace(pod.namespace) == set()
        assert len(pod.node.rows()) == 1, "what is left to do is written down"

    def test_its_failure_never_reads_like_a_success(self, pod: Pod) -> None:
        """go-cni takes these words in a DEL's error for success, and the address would be lost."""
        pod.added()
        pod.ipam.fail("DEL", 115, "lease Not Found", "no such file or directory")
        said = pod.call("DEL").stdout.lower()
        assert "lease" in said
        assert "not found" not in said
        assert "no such file or directory" not in said

    def test_one_that_is_not_there_any_more_is_an_error_that_keeps_the_row(
        self, pod: Pod, tmp_path: Path
    ) -> None:
        pod.added()
        answer = pod.call("DEL", path=current().path(tmp_path))
        assert answer.document["code"] == 4
        assert len(pod.node.rows()) == 1
        assert pod.call("DEL").exit_code == 0
        pod.node.assert_clean()

    def test_a_repair_of_another_attachment_has_no_arguments_of_this_one(
        self, node: SimulatedNode, ipam: FakeIpam
    ) -> None:
        left, other = Pod(node, ipam), Pod(node, ipam)
        left.added()
        node.simulator.inject(function="HcnDeleteEndpoint", hresult=0x80004005)
        left.call("DEL", args="IP=10.88.0.1")
        assert other.call("DEL", args="IP=10.88.0.2").exit_code == 0
        arguments = {
            call["variables"]["CNI_CONTAINERID"]: call["variables"]["CNI_ARGS"]
            for call in ipam.calls
            if call["variables"]["CNI_COMMAND"] == "DEL"
        }
        assert arguments == {left.container: "", other.container: "IP=10.88.0.2"}
        node.assert_clean()


class TestOtherVerbs:
    """CHECK, GC and STATUS are passed on."""

    def test_check_is(self, pod: Pod) -> None:
        result = pod.added().document
        answer = pod.call("CHECK", prevResult=result)
        assert answer.exit_code == 0, answer.words
        assert pod.ipam.commands == ["ADD", "CHECK"]
        assert json.loads(pod.ipam.calls[-1]["stdin"])["prevResult"] == result

    def test_what_it_finds_fails_our_check(self, pod: Pod) -> None:
        result = pod.added().document
        pod.ipam.fail("CHECK", 116, "the lease is gone")
        answer = pod.call("CHECK", prevResult=result)
        assert answer.document["code"] == 116
        assert "the lease is gone" in answer.words

    def test_gc_is_after_what_we_have_removed_ourselves(self, node: SimulatedNode, ipam: FakeIpam) -> None:
        kept, gone = Pod(node, ipam), Pod(node, ipam)
        kept.added()
        ipam.answer("ADD", {**RESULT, "ips": [{"address": "10.88.0.78/24"}]})
        gone.added()
        valid = [{"containerID": kept.container, "ifname": "eth0"}]
        config = {**kept.config, "cni.dev/valid-attachments": valid}
        answer = node.call("GC", config, path=ipam.path)
        assert answer.exit_code == 0, answer.words
        assert ipam.commands == ["ADD", "ADD", "DEL", "GC"]
        assert ipam.calls[2]["variables"]["CNI_CONTAINERID"] == gone.container
        assert json.loads(ipam.calls[3]["stdin"])["cni.dev/valid-attachments"] == valid
        assert [row.key.container_id for row in node.rows()] == [kept.container]

    def test_a_failing_gc_is_reported_and_ours_is_done(self, pod: Pod) -> None:
        pod.added()
        pod.ipam.fail("GC", 117, "the pool does not answer")
        answer = pod.node.call("GC", pod.config, path=pod.ipam.path)
        assert answer.document["code"] == 105
        assert "the pool does not answer" in answer.words
        pod.node.assert_clean()

    def test_status_is(self, pod: Pod) -> None:
        assert pod.node.call("STATUS", pod.config, path=pod.ipam.path).exit_code == 0
        assert pod.ipam.commands == ["STATUS"]

    def test_a_plugin_that_is_missing_makes_the_node_not_ready(self, pod: Pod) -> None:
        answer = pod.node.call("STATUS", pod.config, path="/nowhere")
        assert answer.document["code"] == 50
        assert '"fake-ipam" is in none' in answer.words

    @pytest.mark.parametrize("code", [50, 51])
    def test_its_status_is_ours(self, pod: Pod, code: int) -> None:
        pod.ipam.fail("STATUS", code, "the pool does not answer")
        answer = pod.node.call("STATUS", pod.config, path=pod.ipam.path)
        assert answer.document["code"] == code
        assert "the pool does not answer" in answer.words

    def test_a_hanging_status_ends_with_the_verbs_time(self, pod: Pod) -> None:
        pod.ipam.answer("STATUS", hang=True)
        answer = pod.node.call(
            "STATUS", {**pod.config, "timeout": {"status": current().slowness}}, path=pod.ipam.path
        )
        assert answer.document["code"] == 50


class TestAKilledVerb:
    """The plugin that it asked dies with it: it finishes nothing behind the back of the next verb."""

    def _killed(self, pod: Pod, command: str) -> None:
        pod.ipam.answer(command, RESULT if command == "ADD" else None, hold="until it is released")
        attachment = () if command == "GC" else (pod.container, pod.namespace)
        process = pod.node.start(command, pod.config, *attachment, path=pod.ipam.path)
        while command not in pod.ipam.commands:
            time.sleep(0.01)
        assert pod.ipam.is_running()
        process.kill()
        process.communicate()

    def _late(self, pod: Pod, command: str) -> None:
        """The time comes at which a plugin that lives still would go on and end."""
        pod.ipam.release(command)
        while pod.ipam.is_running():
            time.sleep(0.01)

    def test_an_add_leaves_no_reservation_after_the_del(self, pod: Pod) -> None:
        self._killed(pod, "ADD")
        assert pod.call("DEL").exit_code == 0
        self._late(pod, "ADD")
        assert not pod.ipam.has_reserved
        assert pod.ipam.commands == ["ADD", "DEL"]
        pod.node.assert_nothing_owned()

    def test_an_add_can_be_repeated(self, pod: Pod) -> None:
        self._killed(pod, "ADD")
        pod.ipam.release("ADD")
        pod.added()
        assert pod.ipam.has_reserved
        assert pod.ipam.commands == ["ADD", "DEL", "ADD"]

    def test_a_gc_goes_on_no_more(self, pod: Pod) -> None:
        self._killed(pod, "GC")
        self._late(pod, "GC")
        assert not pod.ipam.has_done("GC")


class TestWhichPluginIsAsked:
    """`delegate` forces the external host-local; without it this program is its own host-local."""

    @pytest.fixture
    def ipam(self, tmp_path: Path) -> FakeIpam:
        return FakeIpam(tmp_path / "plugins", "host-local")

    def test_check_knows_an_address_from_before_it_was_not_forced_any_more(
        self, node: SimulatedNode, ipam: FakeIpam, tmp_path: Path
    ) -> None:
        folder = tmp_path / "reservations" / "pods"
        data_dir = current().path(folder.parent)
        settings = {"type": "host-local", "subnet": "10.88.0.0/24", "dataDir": data_dir}
        pod = Pod(node, ipam, ipam={**settings, "delegate": True})
        result = pod.added().document
        folder.mkdir(parents=True)
        (folder / "10.88.0.77").write_bytes(f"{pod.container}\r\neth0".encode())
        assert pod.call("CHECK", ipam=settings, prevResult=result).exit_code == 0

    def test_the_external_host_local_where_it_is_forced(self, node: SimulatedNode, ipam: FakeIpam) -> None:
        pod = Pod(node, ipam, ipam={"type": "host-local", "delegate": True, "subnet": "10.88.0.0/24"})
        assert pod.added().addresses == ["10.88.0.77/24"]
        assert pod.call("DEL").exit_code == 0
        assert ipam.commands == ["ADD", "DEL"]
        node.assert_clean()

    def test_else_our_own(self, node: SimulatedNode, ipam: FakeIpam, tmp_path: Path) -> None:
        settings = {
            "type": "host-local",
            "subnet": "10.88.0.0/24",
            "dataDir": current().path(tmp_path / "none"),
        }
        pod = Pod(node, ipam, ipam=settings)
        assert pod.added().addresses == ["10.88.0.2/24"]
        assert pod.call("DEL").exit_code == 0
        assert ipam.commands == []

    def test_a_peers_configuration_in_any_case_of_its_keys(self, node: SimulatedNode, tmp_path: Path) -> None:
        plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        fake = FakeIpam(tmp_path / "others")
        pod = Pod(node, fake)
        pod.config = {
            "cniVersion": "1.0.0",
            "name": "pods",
            "type": "win-bridge",
            "IPAM": {"Type": "fake-ipam"},
        }
        assert pod.added().addresses == ["10.88.0.77/24"]
        assert pod.call("DEL").exit_code == 0
        assert fake.commands == ["ADD", "DEL"]
