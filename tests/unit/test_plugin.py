from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cni_hns.cni.errors import CniError
from cni_hns.cni.protocol import SUPPORTED
from cni_hns.cni.request import Request
from cni_hns.cni.result import Interface, IpConfig, Result
from cni_hns.deadline import Deadline
from cni_hns.log import Log
from cni_hns.node.node import Node
from cni_hns.plugin import VERBS, Answer, Verb, run

NETNS = "5f0c3b1e-0000-1111-2222-333344445555"
ATTACHMENT = {"CNI_CONTAINERID": "pod", "CNI_NETNS": NETNS, "CNI_IFNAME": "eth0"}
RESULT = Result(interfaces=[Interface("eth0", sandbox=NETNS)], ips=[IpConfig("10.0.0.2/24", interface=0)])


def config(**members: Any) -> bytes:
    return json.dumps({"cniVersion": "1.1.0", "name": "net", "type": "cni-hns"} | members).encode()


class FakeNode:
    def __init__(self, connect: object, log: Log, deadline: Deadline, data_dir: object) -> None:
        self.connect, self.log, self.deadline = connect, log, deadline
        self.closed = 0
        self.close_fault: Exception | None = None

    def close(self) -> None:
        self.closed += 1
        if self.close_fault is not None:
            raise self.close_fault


class Harness:
    """Runs calls against verbs that do what a test says, and keeps what they were given."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.nodes: list[FakeNode] = []
        self.budgets: list[float] = []
        self.does: Callable[[Request, FakeNode], Result | None] = lambda _request, _node: RESULT

    def verb(self, request: Request, node: FakeNode) -> Result | None:
        self.requests.append(request)
        return self.does(request, node)

    def make_node(self, connect: Any, log: Log, deadline: Deadline, data_dir: object) -> FakeNode:
        self.nodes.append(FakeNode(connect, log, deadline, data_dir))
        return self.nodes[-1]

    def connect(self) -> Any:
        raise AssertionError("nothing connects by itself")

    def run(self, command: str, stdin: bytes | Exception = b"", **environ: str) -> Answer:
        def read_stdin(timeout_s: float) -> bytes:
            self.budgets.append(timeout_s)
            if isinstance(stdin, Exception):
                raise stdin
            return stdin

        verbs: Mapping[str, Verb] = {
            name: verb._replace(load=lambda: self.verb) for name, verb in VERBS.items()
        }
        return run(
            {"CNI_COMMAND": command} | ATTACHMENT | environ,
            read_stdin,
            self.connect,
            Log(stderr=False),
            verbs=verbs,
            make_node=self.make_node,
        )

    def error(self, command: str, stdin: bytes | Exception = b"", **environ: str) -> dict[str, Any]:
        answer = self.run(command, stdin, **environ)
        assert answer.exit_code == 1
        document: dict[str, Any] = json.loads(answer.stdout)
        assert type(document["code"]) is int
        assert document["msg"]
        return document


@pytest.fixture
def harness() -> Harness:
    return Harness()


class TestAnswers:
    def test_add_prints_the_result_in_the_configuration_s_version(self, harness: Harness) -> None:
        answer = harness.run("ADD", config(cniVersion="0.4.0"))
        assert answer.exit_code == 0
        assert json.loads(answer.stdout) == {
            "cniVersion": "0.4.0",
            "interfaces": [{"name": "eth0", "sandbox": NETNS}],
            "ips": [{"version": "4", "interface": 0, "address": "10.0.0.2/24"}],
            "dns": {},
        }

    def test_add_in_a_chain_prints_the_former_result_too(self, harness: Harness) -> None:
        previous = {"cniVersion": "1.0.0", "interfaces": [{"name": "host"}], "dns": {"domain": "d"}}
        document = json.loads(harness.run("ADD", config(prevResult=previous)).stdout)
        assert document["interfaces"] == [{"name": "host"}, {"name": "eth0", "sandbox": NETNS}]
        assert document["ips"] == [{"address": "10.0.0.2/24", "interface": 1}]
        assert document["dns"] == {"domain": "d"}

    @pytest.mark.parametrize("command", ["DEL", "CHECK", "GC", "STATUS"])
    def test_other_verbs_print_nothing(self, harness: Harness, command: str) -> None:
        assert harness.run(command, config()) == Answer("", 0)
        assert len(harness.requests) == 1

    def test_the_verb_gets_request_and_node(self, harness: Harness) -> None:
        raw = config(ipam={"type": "host-local"})
        harness.run("ADD", raw, CNI_ARGS="IP=10.0.0.9")
        (request,), (node,) = harness.requests, harness.nodes
        assert request.raw == raw
        assert request.config["ipam"] == {"type": "host-local"}
        assert request.arguments == {"IP": "10.0.0.9"}
        assert node.connect == harness.connect
        assert node.closed == 1

    def test_a_result_that_the_version_cannot_say_is_an_error(self, harness: Harness) -> None:
        harness.does = lambda _request, _node: Result(interfaces=[Interface("eth0")])
        document = harness.error("ADD", config(cniVersion="0.2.0"))
        assert (document["code"], document["cniVersion"]) == (7, "0.2.0")

    def test_an_add_without_a_result_is_our_own_fault(self, harness: Harness) -> None:
        harness.does = lambda _request, _node: None
        assert harness.error("ADD", config())["code"] == 999


class TestErrors:
    def test_variables_come_before_stdin(self, harness: Harness) -> None:
        document = harness.error("ADD", OSError("unread"), CNI_IFNAME="", CNI_CONTAINERID="")
        assert document["code"] == 4
        assert document["cniVersion"] == "1.1.0"
        assert harness.budgets == []

    def test_an_unknown_verb(self, harness: Harness) -> None:
        assert harness.error("FROB")["msg"] == "unknown CNI_COMMAND: FROB"

    @pytest.mark.parametrize("command", VERBS)
    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            pytest.param(
                TimeoutError("it was not closed within 5 s (7 bytes came)"), "not closed", id="never closed"
            ),
            pytest.param(OSError(9, "Bad file descriptor"), "Bad file descriptor", id="no stdin at all"),
        ],
    )
    def test_stdin_that_cannot_be_read(
        self, harness: Harness, command: str, fault: OSError, said: str
    ) -> None:
        document = harness.error(command, fault)
        assert document["code"] == 5
        assert said in document["msg"]
        assert harness.nodes == []

    @pytest.mark.parametrize(
        ("stdin", "code"),
        [
            pytest.param(b"", 6, id="empty"),
            pytest.param(b"{", 6, id="not JSON"),
            pytest.param(b"[]", 6, id="not an object"),
            pytest.param(b"{}", 7, id="no name"),
            pytest.param(config(cniVersion="9.9.9"), 1, id="unknown version"),
            pytest.param(config(prevResult=1), 6, id="prevResult that cannot be read"),
        ],
    )
    def test_configurations_that_are_refused(self, harness: Harness, stdin: bytes, code: int) -> None:
        assert harness.error("ADD", stdin)["code"] == code
        assert harness.nodes == []

    @pytest.mark.parametrize("version", SUPPORTED)
    def test_the_error_is_in_the_configuration_s_version(self, harness: Harness, version: str) -> None:
        assert harness.error("ADD", config(cniVersion=version, name=""))["cniVersion"] == version

    @pytest.mark.parametrize(
        ("stdin", "version"),
        [
            pytest.param(b'{"name": ""}', "0.1.0", id="none stated"),
            pytest.param(config(cniVersion="9.9.9"), "1.1.0", id="unknown"),
            pytest.param(config(cniVersion=[]), "1.1.0", id="not text"),
            pytest.param(b"{", "1.1.0", id="document unreadable"),
        ],
    )
    def test_or_in_one_that_stands_in_for_it(self, harness: Harness, stdin: bytes, version: str) -> None:
        assert harness.error("ADD", stdin)["cniVersion"] == version

    @pytest.mark.parametrize("command", ["CHECK", "GC", "STATUS"])
    def test_a_version_before_the_verb(self, harness: Harness, command: str) -> None:
        assert harness.error(command, config(cniVersion="0.3.1"))["code"] == 1

    @pytest.mark.parametrize("command", ["ADD", "CHECK"])
    def test_a_netns_that_is_no_guid_comes_after_the_configuration(
        self, harness: Harness, command: str
    ) -> None:
        assert harness.error(command, b"{}", CNI_NETNS="blue")["code"] == 7
        assert harness.error(command, config(), CNI_NETNS="blue")["code"] == 4

    @pytest.mark.parametrize(
        ("fault", "code"),
        [
            pytest.param(CniError(104, "the address differs"), 104, id="a verb's own error"),
            pytest.param(KeyError("x"), 999, id="unforeseen"),
            pytest.param(KeyboardInterrupt(), 999, id="interrupted"),
            pytest.param(SystemExit(3), 999, id="an exit in the middle"),
        ],
    )
    @pytest.mark.parametrize("command", VERBS)
    def test_whatever_a_verb_raises_is_one_document(
        self, harness: Harness, command: str, fault: BaseException, code: int
    ) -> None:
        def fail(_request: Request, _node: FakeNode) -> None:
            raise fault

        harness.does = fail
        document = harness.error(command, config())
        assert document["code"] == (50 if command == "STATUS" and code == 104 else code)
        assert harness.nodes[0].closed == 1

    def test_closing_that_fails_changes_nothing_of_the_answer(self, harness: Harness) -> None:
        def work(_request: Request, node: FakeNode) -> Result:
            node.close_fault = OSError("closing")
            return RESULT

        harness.does = work
        assert harness.run("ADD", config()).exit_code == 0

    @pytest.mark.parametrize("words", ["Not Found", "no such file or directory"])
    def test_no_error_of_a_del_reads_like_a_success(self, harness: Harness, words: str) -> None:
        def fail(_request: Request, _node: FakeNode) -> None:
            raise CniError(105, f"endpoint 1 is left: {words}", words)

        harness.does = fail
        assert words.lower() not in harness.run("DEL", config()).stdout.lower()
        assert words.lower() not in harness.run("DEL", OSError(words)).stdout.lower()


class TestTheTableOfVerbs:
    @pytest.mark.parametrize(
        ("command", "module"),
        [("ADD", "add"), ("DEL", "delete"), ("CHECK", "check"), ("GC", "gc"), ("STATUS", "status")],
    )
    def test_each_verb_has_its_module(self, command: str, module: str) -> None:
        verb = VERBS[command].load()
        assert (verb.__module__, verb.__name__) == (f"cni_hns.verbs.{module}", "run")

    def test_only_add_prints_a_result(self) -> None:
        assert [name for name, verb in VERBS.items() if verb.prints_result] == ["ADD"]

    def test_verbs_get_the_real_node(self) -> None:
        nodes: list[object] = []
        verbs = {"GC": VERBS["GC"]._replace(load=lambda: lambda _request, node: nodes.append(node))}
        answer = run(
            {"CNI_COMMAND": "GC"},
            lambda _timeout_s: config(),
            lambda: pytest.fail("nothing connects by itself"),
            Log(stderr=False),
            verbs=verbs,
        )
        assert answer == Answer("", 0)
        assert [type(node) for node in nodes] == [Node]


class TestBudgets:
    @pytest.mark.parametrize(
        ("command", "expected"),
        [("ADD", 100.0), ("DEL", 60.0), ("CHECK", 20.0), ("GC", 60.0), ("STATUS", 3.0)],
    )
    def test_each_verb_has_its_own(self, harness: Harness, command: str, expected: float) -> None:
        harness.run(command, config())
        assert harness.nodes[0].deadline.timeout_s == expected

    def test_the_configuration_may_name_another(self, harness: Harness) -> None:
        harness.run("ADD", config(timeout={"add": 7, "del": 8}))
        harness.run("DEL", config(timeout=9.5))
        assert [node.deadline.timeout_s for node in harness.nodes] == [7.0, 9.5]

    @pytest.mark.parametrize(("command", "expected"), [("ADD", 5.0), ("STATUS", 1.5), ("VERSION", 1.5)])
    def test_waiting_for_stdin_leaves_time_to_say_so(
        self, harness: Harness, command: str, expected: float
    ) -> None:
        harness.run(command, config())
        assert harness.budgets == [expected]


class TestVersion:
    """CNI SPEC, section 2, "VERSION"."""

    @pytest.mark.parametrize(
        ("stdin", "expected"),
        [
            pytest.param(b"", "1.1.0", id="empty"),
            pytest.param(b"\xef\xbb\xbf \r\n", "1.1.0", id="blank"),
            pytest.param(b"{}", "1.1.0", id="none stated"),
            pytest.param(b'{"cniVersion": ""}', "1.1.0", id="empty version"),
            pytest.param(b'{"cniVersion": "0.4.0"}', "0.4.0", id="supported"),
            pytest.param(b'\xef\xbb\xbf{"cniVersion": "1.0.0", "x": 1}', "1.0.0", id="byte order mark"),
            pytest.param(b'{"cniVersion": "2.0.0"}', "1.1.0", id="not supported"),
            pytest.param(b'{"cniVersion": 1}', "1.1.0", id="not text"),
            pytest.param(TimeoutError("never closed"), "1.1.0", id="never closed"),
            pytest.param(OSError("closed"), "1.1.0", id="no stdin"),
        ],
    )
    def test_is_one_line_with_all_seven(
        self, harness: Harness, stdin: bytes | Exception, expected: str
    ) -> None:
        answer = harness.run("VERSION", stdin)
        assert answer == Answer(
            f'{{"cniVersion":"{expected}","supportedVersions":'
            '["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}\n',
            0,
        )

    @pytest.mark.parametrize("stdin", [b"garbage", b"[]", b"{", b"null", b"\xff"])
    def test_garbage_is_refused(self, harness: Harness, stdin: bytes) -> None:
        assert harness.error("VERSION", stdin)["code"] == 6


@given(
    st.sampled_from([*VERBS, "VERSION"]),
    st.binary()
    | st.dictionaries(st.text(), st.none() | st.text() | st.integers()).map(lambda d: config(**d)),
    st.text(st.characters(exclude_characters="\0")),
)
def test_any_bytes_and_any_arguments_give_exactly_one_document(command: str, stdin: bytes, args: str) -> None:
    answer = Harness().run(command, stdin, CNI_ARGS=args)
    if answer.exit_code == 0 and command not in {"ADD", "VERSION"}:
        assert answer.stdout == ""
        return
    document = json.loads(answer.stdout)
    assert isinstance(document, dict)
    assert answer.exit_code == 0 or (type(document["code"]) is int and document["code"] != 999)
