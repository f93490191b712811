"""A plan is compiled once, by one of those who need it together; none is kept of a refused configuration."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cni_hns import __version__
from cni_hns.binding.processes import Owner
from cni_hns.cni.request import Request
from cni_hns.cni.variables import Variables
from cni_hns.deadline import Deadline
from cni_hns.dialects.compile import ConfigFault, compile_plan, digest
from cni_hns.dialects.plan import AttachmentPlan
from cni_hns.ledger import Ledger
from cni_hns.log import Log
from cni_hns.node import plans
from cni_hns.node.node import Node
from tests.harness import SimulatedNode, l2bridge

GOOD = l2bridge()
REFUSED = l2bridge(netwrok={})


def asking(config: dict[str, Any]) -> Request:
    variables = Variables("ADD", "pod", "", "eth0", "", [])
    return Request(variables, "1.1.0", config["name"], config, b"", None, {})


class Verb:
    """One ADD's node and ledger."""

    def __init__(self, simulated: SimulatedNode, timeout_s: float = 60.0) -> None:
        simulator = simulated.simulator
        connected = simulator.libraries(), simulator.machine()
        self.node = Node(lambda: connected, Log(stderr=False), Deadline(timeout_s))

    @property
    def ledger(self) -> Ledger:
        return self.node.ledger

    def plan(self, config: dict[str, Any]) -> AttachmentPlan:
        return plans.kept_plan(asking(config), self.node)

    def close(self) -> None:
        self.ledger.close()


@pytest.fixture
def verb(node: SimulatedNode) -> Iterator[Verb]:
    made = Verb(node)
    yield made
    made.close()


class Compiler:
    """Counts, and stops each compilation until it may go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.compiled: list[str] = []

    def __call__(self, config: dict[str, Any], executable: str = "") -> AttachmentPlan:
        self.compiled.append(config["name"])
        self.begun.set()
        assert self.go_on.wait(60)
        return compile_plan(config, executable)


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Compiler:
    made = Compiler()
    made.go_on.set()
    monkeypatch.setattr(plans, "compile_plan", made)
    return made


def turn_of(config: dict[str, Any]) -> str:
    return f"compiling {digest(config)}"


def test_a_known_configuration_is_not_compiled_again(verb: Verb, compiler: Compiler) -> None:
    assert verb.plan(GOOD) == verb.plan(GOOD) == compile_plan(GOOD)
    assert len(compiler.compiled) == 1
    assert verb.ledger.fact(turn_of(GOOD)) is None


def test_a_plan_of_another_program_version_is_compiled_again(
    verb: Verb, compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "__version__", "0.0.1")
    verb.plan(GOOD)
    monkeypatch.undo()
    monkeypatch.setattr(plans, "compile_plan", compiler)
    verb.plan(GOOD)
    assert len(compiler.compiled) == 2


def test_a_refused_configuration_is_not_kept(verb: Verb, compiler: Compiler) -> None:
    verb.plan(GOOD)
    for _ in range(2):
        with pytest.raises(ConfigFault, match="netwrok"):
            verb.plan(REFUSED)
    assert len(compiler.compiled) == 3
    assert verb.ledger.fact(turn_of(REFUSED)) is None


def test_who_only_reads_writes_nothing(verb: Verb) -> None:
    ledger = verb.ledger
    assert plans.plan_for(asking(GOOD), verb.node) == compile_plan(GOOD)
    assert ledger.plan(digest(GOOD), __version__) is None
    assert ledger.fact(turn_of(GOOD)) is None


class Together:
    """Two ADDs that meet a configuration together, the first of them compiling."""

    def __init__(self, node: SimulatedNode, config: dict[str, Any], compiler: Compiler) -> None:
        self.answers: list[AttachmentPlan | ConfigFault] = []
        self._node, self._config = node, config
        compiler.go_on.clear()
        first, second = threading.Thread(target=self._ask), threading.Thread(target=self._ask)
        first.start()
        assert compiler.begun.wait(60)
        second.start()
        second.join(0.2)  # time to go wrong: it has to wait for the first
        compiler.go_on.set()
        first.join(60)
        second.join(60)

    def _ask(self) -> None:
        verb = Verb(self._node)
        try:
            self.answers.append(verb.plan(self._config))
        except ConfigFault as fault:
            self.answers.append(fault)
        finally:
            verb.close()


def test_of_two_that_meet_a_new_configuration_one_compiles_it(
    node: SimulatedNode, compiler: Compiler
) -> None:
    together = Together(node, GOOD, compiler)
    assert together.answers == [compile_plan(GOOD)] * 2
    assert len(compiler.compiled) == 1


def test_both_say_what_is_wrong_with_a_refused_one(node: SimulatedNode, compiler: Compiler) -> None:
    together = Together(node, REFUSED, compiler)
    assert [isinstance(answer, ConfigFault) for answer in together.answers] == [True, True]
    assert len(compiler.compiled) == 2


def test_the_turn_of_a_dead_process_is_taken_over(verb: Verb, compiler: Compiler) -> None:
    owner = verb.node.owner
    verb.ledger.keep_fact(turn_of(GOOD), Owner(owner.pid, "started at another time", owner.boot_id))
    verb.plan(GOOD)
    assert len(compiler.compiled) == 1
    assert verb.ledger.fact(turn_of(GOOD)) is None


def test_who_takes_too_long_is_not_waited_for(node: SimulatedNode, compiler: Compiler) -> None:
    """A quarter of this verb's time goes by, and then it compiles for itself."""
    verb = Verb(node, timeout_s=2.0)
    turn = verb.node.owner
    verb.ledger.keep_fact(turn_of(GOOD), turn)
    assert verb.plan(GOOD) == compile_plan(GOOD)
    assert verb.ledger.fact(turn_of(GOOD)) == list(turn)
    verb.close()


@pytest.mark.parametrize("part", ["peer", "network"])
def test_a_plan_of_another_build_is_compiled_anew(verb: Verb, part: str) -> None:
    document = compile_plan(GOOD).to_document()
    other = {key: value for key, value in document.items() if key != part}
    verb.ledger.keep_plan(digest(GOOD), __version__, other)
    assert verb.plan(GOOD) == compile_plan(GOOD)
    assert verb.ledger.plan(digest(GOOD), __version__) == document
