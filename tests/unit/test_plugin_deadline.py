from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cni_hns import log as log_module
from cni_hns import plugin
from cni_hns.cni.request import Request
from cni_hns.cni.result import Result
from cni_hns.log import Log
from cni_hns.plugin import VERBS, Answer, run
from cni_hns.stdio import Outlet

from .test_plugin import ATTACHMENT, RESULT, FakeNode

pytestmark = pytest.mark.usefixtures("join_threads")

SECONDS_AT_MOST = 30


class World:
    """A call whose verb hangs in an HNS call until the process is left, or a test lets it go on."""

    def __init__(self, hung_call: tuple[str, str] | None = ("HcnCreateEndpoint", "3f2a")) -> None:
        self.written: list[str] = []
        self.left: list[int] = []
        self.released = threading.Event()
        self.outlet = Outlet(self.write, self.leave)
        self._hung_call = hung_call

    def write(self, text: str) -> None:
        self.written.append(text)

    def leave(self, exit_code: int) -> None:
        self.left.append(exit_code)
        self.released.set()

    def hang(self, _request: Request, node: FakeNode) -> Result:
        if self._hung_call is not None:
            node.log.call_begins(*self._hung_call)
        assert self.released.wait(SECONDS_AT_MOST)
        return RESULT

    def answers_first(self, join_threads: Callable[[], None]) -> None:
        """An ADD that delivers its own answer, and ends when the watchdog has."""

        def late(_request: Request, _node: FakeNode) -> Result:
            self.outlet.deliver("first")
            join_threads()
            return RESULT

        self.run("ADD", late, timeout=0.01)

    def run(self, command: str, verb: Callable[[Request, FakeNode], Any], **members: Any) -> Answer:
        document = {"cniVersion": "1.0.0" if command in {"ADD", "DEL", "CHECK"} else "1.1.0", "name": "net"}
        return run(
            {"CNI_COMMAND": command} | ATTACHMENT,
            lambda _timeout_s: json.dumps(document | members).encode(),
            lambda: pytest.fail("nothing connects by itself"),
            Log(stderr=False),
            outlet=self.outlet,
            verbs={name: one._replace(load=lambda: verb) for name, one in VERBS.items()},
            make_node=FakeNode,
        )


@pytest.mark.parametrize(
    ("command", "code", "advice"),
    [
        pytest.param("ADD", 103, "run DEL or repeat the ADD", id="ADD"),
        pytest.param("DEL", 103, "repeat the DEL", id="DEL"),
        pytest.param("CHECK", 103, "nothing was changed", id="CHECK"),
        pytest.param("GC", 103, "repeat the GC", id="GC"),
        pytest.param("STATUS", 50, "nothing was changed", id="STATUS"),
    ],
)
def test_a_verb_that_hangs_is_answered_at_its_deadline(command: str, code: int, advice: str) -> None:
    world = World()
    answer = world.run(command, world.hang, timeout=0.01)
    (text,) = world.written
    document = json.loads(text)
    assert document["code"] == code
    assert document["cniVersion"] == ("1.1.0" if command in {"GC", "STATUS"} else "1.0.0")
    assert "0.01 s" in document["msg"]
    assert "HcnCreateEndpoint 3f2a has not come back" in document["msg"]
    assert advice in document["details"]
    assert world.left == [1]
    assert not world.outlet.deliver(answer.stdout), "the verb came too late to be heard"
    assert len(world.written) == 1


def test_it_says_so_when_no_hns_call_was_under_way() -> None:
    world = World(hung_call=None)
    world.run("ADD", world.hang, timeout=0.01)
    assert "no HNS call was under way" in json.loads(world.written[0])["msg"]


def test_it_names_the_child_process_that_was_under_way() -> None:
    world = World()

    def hang(_request: Request, node: FakeNode) -> Result:
        node.log.child_begins('IPAM plugin "fake" (ADD)')
        assert world.released.wait(SECONDS_AT_MOST)
        return RESULT

    world.run("ADD", hang, timeout=0.01)
    assert 'IPAM plugin "fake" (ADD) has not come back' in json.loads(world.written[0])["msg"]


def test_the_deadline_of_a_del_does_not_read_like_a_success() -> None:
    world = World(hung_call=("HcnOpenEndpoint", "not found"))
    world.run("DEL", world.hang, timeout=0.01)
    assert "not found" not in world.written[0].lower()


def test_the_deadline_is_logged(tmp_path: Path) -> None:
    world = World()
    file = tmp_path / "cni.log"
    world.run("ADD", world.hang, timeout=0.01, log={"file": str(file)})
    errors = [line for line in map(json.loads, file.read_text().splitlines()) if line["level"] == "error"]
    assert [line["code"] for line in errors] == [103]


def test_a_verb_that_answered_first_is_not_answered_again(join_threads: Callable[[], None]) -> None:
    """Its deadline passes after that."""
    world = World()
    world.answers_first(join_threads)
    assert world.written == ["first"]
    assert world.left == []


def test_an_answer_that_is_on_its_way_at_the_deadline_goes_out_alone(
    monkeypatch: pytest.MonkeyPatch, join_threads: Callable[[], None]
) -> None:
    world = World()
    interrupted = threading.Event()

    class Watched(Outlet):
        def interrupt(self, text: str, patience_s: float) -> bool:
            interrupted.set()
            return super().interrupt(text, patience_s)

    def write(text: str) -> None:
        assert interrupted.wait(SECONDS_AT_MOST)
        world.write(text)

    monkeypatch.setattr(plugin, "_LAST_WORDS_S", SECONDS_AT_MOST)
    world.outlet = Watched(write, world.leave)
    world.answers_first(join_threads)
    assert world.written == ["first"]
    assert world.left == []


def test_a_runtime_that_has_gone_does_not_keep_the_process() -> None:
    world = World()

    def broken(_text: str) -> None:
        raise BrokenPipeError

    world.outlet = Outlet(broken, world.leave)
    world.run("ADD", world.hang, timeout=0.01)
    assert world.left == [1]


def test_a_verb_in_time_is_left_alone(join_threads: Callable[[], None]) -> None:
    world = World()
    answer = world.run("ADD", lambda _request, _node: RESULT, timeout=600)
    assert answer.exit_code == 0
    assert world.outlet.deliver("in time")
    join_threads()
    assert world.written == ["in time"]


def test_an_answer_that_takes_too_long_to_be_made_is_given_in_its_place() -> None:
    """Until something is delivered the watchdog stays, whatever the verb came to."""
    world = World()
    answer = world.run("ADD", lambda _request, _node: RESULT, timeout=0.05)
    assert world.released.wait(SECONDS_AT_MOST)
    assert [json.loads(text)["code"] for text in world.written] == [103]
    assert world.left == [1]
    assert not world.outlet.deliver(answer.stdout)


def test_an_error_whose_document_is_never_made_is_answered_too(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def endless(_fault: BaseException) -> list[str]:
        assert world.released.wait(SECONDS_AT_MOST)
        return []

    monkeypatch.setattr(plugin, "trace", endless)

    def fail(_request: Request, _node: FakeNode) -> Result:
        raise KeyError

    world.run("ADD", fail, timeout=0.05)
    assert [json.loads(text)["code"] for text in world.written] == [103]


@pytest.mark.parametrize("command", ["VERSION", "FROB"])
def test_what_is_no_verb_of_a_node_is_watched_too(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "_NO_VERB", plugin._NO_VERB._replace(timeout_s=0.05))
    world = World()
    world.run(command, world.hang)
    assert world.released.wait(SECONDS_AT_MOST)
    assert world.left == [1]


@pytest.mark.parametrize("by", ["the verb", "the watchdog"])
def test_a_pipe_that_nobody_reads_does_not_keep_the_process(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "_LAST_WORDS_S", 0.05)
    world = World()
    world.outlet = Outlet(lambda _text: world.released.wait(SECONDS_AT_MOST), world.leave)

    def work(request: Request, node: FakeNode) -> Result:
        if by == "the verb":
            world.outlet.deliver("an answer")
        return world.hang(request, node)

    world.run("ADD", work, timeout=0.05)
    assert world.left == [1]


def test_a_watchdog_that_can_say_nothing_still_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(plugin, "to_text", fail)
    world = World()
    world.run("GC", world.hang, timeout=0.05)
    assert world.left == [1]


def test_the_deadline_of_the_configuration_runs_before_the_log_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share that hangs: nobody can know before."""
    world = World()
    append = log_module._append

    def hang(*arguments: Any) -> None:
        assert world.released.wait(SECONDS_AT_MOST)
        append(*arguments)

    monkeypatch.setattr(log_module, "_append", hang)
    monkeypatch.setattr(plugin, "_LAST_WORDS_S", 0.05)
    file = tmp_path / "cni.log"
    world.run("STATUS", lambda _request, _node: None, timeout=0.05, log={"file": str(file)})
    assert f'the log "{file}" has not come back' in json.loads(world.written[0])["msg"]
    assert world.left == [1]


def test_without_an_outlet_nobody_watches() -> None:
    answer = run(
        {"CNI_COMMAND": "ADD"} | ATTACHMENT,
        lambda _timeout_s: b'{"name": "net", "cniVersion": "1.0.0", "timeout": 0.000001}',
        lambda: pytest.fail("nothing connects by itself"),
        Log(stderr=False),
        verbs={"ADD": VERBS["ADD"]._replace(load=lambda: lambda _request, _node: RESULT)},
        make_node=FakeNode,
    )
    assert answer.exit_code == 0
