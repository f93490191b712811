from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
    """The watchdog fires while the verb's own answer is on its way out."""
    world = World()

    def late(request: Request, node: FakeNode) -> Result:
        world.outlet.deliver("first")
        # The watchdog finds that it is second and leaves nothing behind to wait for but its own end.
        join_threads()
        return RESULT

    world.run("ADD", late, timeout=0.01)
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
    join_threads()
    assert world.written == []


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
