"""The fuzzer finds what is planted, makes it small, and shows the same again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from cni_hns import plugin
from tests.fuzz.__main__ import main
from tests.fuzz.inputs import Input, parsed, printed
from tests.fuzz.kinds import KINDS, drawn
from tests.fuzz.run import Tally, fuzz
from tests.fuzz.seeds import BASES, SECRET
from tests.fuzz.shrink import shrunk
from tests.fuzz.workers import Pool

Plant = Callable[..., None]

INPUTS = 12
A_FEW_SECONDS = 3.0


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Puts another function in the place of a verb; workers are forks, and have it from then on."""

    def put(verb: Callable[..., Any], name: str = "STATUS") -> None:
        verbs: Any = plugin.VERBS
        monkeypatch.setitem(verbs, name, verbs[name]._replace(load=lambda: verb))

    return put


def faults(*inputs: Input) -> list[str]:
    """The kinds of fault that the inputs show, one after the other in one worker's hands."""
    with Pool(1, A_FEW_SECONDS) as pool:
        return [fault.kind for done in pool.run(enumerate(inputs)) for fault in done.faults]


STATUS = Input("configuration", "STATUS")
AFTERWARDS = Input("configuration", "VERSION")


class TestFaultsAreFound:
    """Each thing that must hold is broken once."""

    @pytest.mark.parametrize("verb", ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"])
    def test_none_where_nothing_is_wrong(self, verb: str) -> None:
        config = {**BASES["l2bridge"].config, "cni.dev/valid-attachments": []}
        assert faults(Input("configuration", verb, pods=1, config=config)) == []

    def test_an_unforeseen_exception(self, plant: Plant) -> None:
        def verb(*_: Any) -> NoReturn:
            raise ValueError("planted")

        plant(verb)
        tally = found_in("STATUS")
        (failure,) = tally.failures
        assert "999 ValueError" in failure.signature

    def test_it_is_made_small(self, plant: Plant) -> None:
        """Of a large configuration the two members are left without which the verb is not reached."""

        def verb(request: Any, *_: Any) -> None:
            if b"x-cause" in request.raw:
                raise ValueError("planted")

        plant(verb)
        config = {**BASES["overlay"].config, "cniVersion": "1.1.0", "x-cause": {"deep": [1, 2, 3]}}
        one = Input("configuration", "STATUS", "overlay", 3, config=config)
        small = shrunk(one, lambda smaller: "999" in faults(smaller))
        assert set(small.config) == {"cniVersion", "name", "x-cause"}
        assert (small.pods, small.base) == (0, "l2bridge")

    def test_a_hang(self, plant: Plant) -> None:
        def verb(*_: Any) -> None:
            while True:
                pass

        plant(verb)
        config = {**BASES["l2bridge"].config, "timeout": 80_000}
        assert faults(STATUS._replace(config=config), AFTERWARDS) == ["hangs"]

    def test_a_process_that_dies(self, plant: Plant) -> None:
        plant(lambda *_: os._exit(9))
        assert faults(STATUS, AFTERWARDS) == ["crashed"]

    def test_memory(self, plant: Plant) -> None:
        plant(lambda *_: len(b"x" * 400_000_000) and None)
        assert faults(STATUS) == ["memory"]

    def test_what_is_written_past_the_one_document(self, plant: Plant) -> None:
        plant(lambda *_: os.write(1, b"hello") and None)
        assert faults(STATUS, AFTERWARDS) == ["wrote to stdout beside the document"]

    def test_a_handle_that_is_kept(self, plant: Plant) -> None:
        def verb(_: Any, node: Any) -> None:
            node.hcn.namespaces.open(node.hcn.namespaces.ids()[0])

        plant(verb)
        assert faults(Input("configuration", "STATUS", pods=1)) == ["not given back"]

    def test_a_secret_in_a_message(self, plant: Plant) -> None:
        plant(refusing(f"no {SECRET}"))
        assert faults(STATUS) == ["a secret"]

    def test_a_message_of_two_lines(self, plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cni_hns.cni.errors.one_line", str)
        plant(refusing("one\ntwo"))
        assert faults(STATUS) == ["control characters in a message"]

    def test_a_code_that_nobody_knows(self, plant: Plant) -> None:
        plant(refusing("no", code=177), "DEL")
        assert faults(Input("configuration", "DEL")) == ["a code that is not allowed"]

    def test_a_pod_that_goes_and_an_error_that_changes_things(self, plant: Plant) -> None:
        def verb(_: Any, node: Any) -> NoReturn:
            node.hcn.endpoints.delete(node.hcn.endpoints.ids()[0])
            refusing("no")()

        plant(verb)
        found = faults(Input("configuration", "STATUS", pods=1))
        assert set(found) == {"another pod was touched", "an error changed something"}


def refusing(words: str, code: int = 7) -> Callable[..., NoReturn]:
    """A verb that is refused with these words."""
    from cni_hns.cni.errors import CniError

    def verb(*_: Any) -> NoReturn:
        raise CniError(code, words)

    return verb


def found_in(verb: str) -> Tally:
    """A run of a few inputs of a seed in which this verb comes up."""
    seed = next(
        str(seed)
        for seed in range(100)
        if any(reaches(drawn(f"{seed}", number), verb) for number in range(INPUTS))
    )
    return fuzz(seed, INPUTS, tries=10, tell=lambda _: None)


def reaches(one: Input, verb: str) -> bool:
    return one.kind == "hns" and one.verb == verb


class TestInputs:
    """Whoever has the seed has the inputs."""

    @pytest.mark.parametrize("kind", sorted(KINDS))
    def test_the_same_seed_makes_the_same_ones(self, kind: str) -> None:
        assert [drawn("7", number, [kind]) for number in range(20)] == [
            drawn("7", number, [kind]) for number in range(20)
        ]
        assert [drawn("7", number, [kind]) for number in range(20)] != [
            drawn("8", number, [kind]) for number in range(20)
        ]

    @pytest.mark.parametrize("kind", sorted(KINDS))
    def test_what_is_printed_is_the_input(self, kind: str) -> None:
        for number in range(20):
            one = drawn("7", number, [kind])
            assert printed(parsed(printed(one))) == printed(one)

    def test_no_path_leads_out_of_the_node(self) -> None:
        from tests.fuzz.scenes import realised

        assert realised({"file": ["/etc/passwd", " /x", "/dev/zero", "@NODE@/a"]}, Path("/n")) == {
            "file": ["/n/etc/passwd", "/n/x", "/dev/zero", "/n/a"]
        }


class TestCommand:
    """What an operator of CI sees."""

    def test_a_failure_is_printed_with_the_command_that_shows_it_again(
        self, plant: Plant, capsys: pytest.CaptureFixture[str]
    ) -> None:
        plant(refusing("no", code=177), "DEL")
        assert main(["--again", printed(Input("configuration", "DEL"))]) == 1
        assert "FAILED: a code that is not allowed 177 in DEL" in capsys.readouterr().out

    def test_a_run_in_which_nothing_fails(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--inputs", "5", "--seed", "1", "--jobs", "1", "--only", "CNI_ARGS"]) == 0
        out = capsys.readouterr().out
        assert "seed 1" in out
        assert "      5  CNI_ARGS" in out
        assert "failures: 0" in out

    def test_the_kinds_are_listed(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--list"]) == 0
        assert capsys.readouterr().out.split("\n")[:-1] == list(KINDS)


def test_no_input_is_larger_than_can_be_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next draw takes its place, and is the same each time."""
    first = drawn("1", 7)
    monkeypatch.setattr("tests.fuzz.kinds._LARGEST", len(printed(first)) - 1)
    other = drawn("1", 7)
    assert len(printed(other)) < len(printed(first))
    assert drawn("1", 7) == other
