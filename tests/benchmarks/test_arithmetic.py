"""The arithmetic of the benchmark, and what its tables say; nothing here reads a clock."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.growth import case_of
from tests.benchmarks.imports import OTHERS, OURS, SIMULATOR, STANDARD, group_of, parsed
from tests.benchmarks.plot import _verb_and_number
from tests.benchmarks.probe import Account
from tests.benchmarks.processes import Ran
from tests.benchmarks.report import as_markdown, write
from tests.benchmarks.tables import Results, Table
from tests.benchmarks.timing import Spread, in_turn, ratio, spread


@pytest.fixture
def table() -> Table:
    made = Table("windows", "Wall time", "ms", ["ours", "peer"], "peer")
    made.add("ADD", "ours", 30, 10)
    made.add("ADD", "peer", 40.0)
    made.add("ADD", "ours", 20)
    made.add("GC", "ours", 7.25)
    made.remark("peer: GC is not known")
    made.remark("peer: GC is not known")
    return made


class TestTiming:
    def test_a_spread_is_the_median_and_the_range(self) -> None:
        assert spread([3.0, 1.0, 10.0]) == Spread(3.0, 1.0, 10.0)
        assert spread([4.0, 1.0]).median == 2.5

    @pytest.mark.parametrize(
        ("ours", "peers", "expected"),
        [
            pytest.param([10, 20, 90], [40, 40, 1], 0.5, id="of the medians, not of the means"),
            pytest.param([], [1], None, id="we were not measured"),
            pytest.param([1], [], None, id="the peer was not measured"),
            pytest.param([1], [0, 0], None, id="the peer's is nothing"),
        ],
    )
    def test_a_ratio_is(self, ours: list[float], peers: list[float], expected: float | None) -> None:
        assert ratio(ours, peers) == expected

    def test_who_was_last_is_first_in_the_next_turn(self) -> None:
        assert [name for _, name in in_turn("ab", 3)] == ["a", "b", "b", "a", "a", "b"]


class TestTables:
    def test_the_ratio_comes_first(self, table: Table) -> None:
        assert table.heads() == ["", "ours ÷ peer", "ours, ms", "peer, ms"]
        assert table.rows() == [["ADD", "0.50", "20 (10 to 30)", "40"], ["GC", "", "7.2", "—"]]

    def test_without_a_peer_there_is_no_ratio(self) -> None:
        made = Table("calls", "Size", "MiB", ["size"])
        made.add("exe", "size", 12345.6)
        made.add("script", "size", 0.0123)
        assert made.heads() == ["", "size, MiB"]
        assert made.rows() == [["exe", "12,346"], ["script", "0.012"]]

    def test_a_remark_is_said_once(self, table: Table) -> None:
        assert table.remarks == ["peer: GC is not known"]

    def test_json_and_back_is_the_same(self, table: Table, tmp_path: Path) -> None:
        results = Results({"machine": "this one"}, [table])
        document, _ = write(results, tmp_path / "new")
        assert Results.of_json(json.loads(document.read_text(encoding="utf-8"))) == results

    def test_as_markdown(self, table: Table) -> None:
        assert as_markdown(Results({"Wine": "8"}, [table])).splitlines() == [
            "# What the benchmark measured",
            "",
            "- Wine: 8",
            "",
            "## windows: Wall time",
            "",
            "| | ours ÷ peer | ours, ms | peer, ms |",
            "| --- | ---: | ---: | ---: |",
            "| ADD | 0.50 | 20 (10 to 30) | 40 |",
            "| GC | | 7.2 | — |",
            "",
            "- peer: GC is not known",
        ]


class TestAnswers:
    @pytest.mark.parametrize(
        ("ran", "words"),
        [
            pytest.param(Ran(0, "{}", ""), "succeeds", id="a result"),
            pytest.param(Ran(0, "", "log"), "succeeds, prints nothing", id="nothing"),
            pytest.param(Ran(1, '{"code": 7, "msg": "no"}', ""), "fails, code 7: no", id="an error document"),
            pytest.param(Ran(2, "", "panic"), "fails, code -: panic", id="no document"),
            pytest.param(Ran(3, "", ""), "fails, exit code 3, no word", id="no word"),
        ],
    )
    def test_in_words(self, ran: Ran, words: str) -> None:
        assert ran.words == words

    def test_a_start_that_wine_ended_said_nothing(self) -> None:
        assert Ran(1, "", "").never_began
        assert not Ran(1, "{}", "").never_began


def test_imports_are_read_from_the_interpreters_report() -> None:
    report = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       120 |        120 |   zipimport\n"
        "a line of the program's\n"
        "import time:        60 |        180 | cni_hns.plugin\n"
    )
    assert parsed(report) == [("zipimport", 120), ("cni_hns.plugin", 60)]


@pytest.mark.parametrize(
    ("module", "group"),
    [
        ("cni_hns.verbs.add", OURS),
        ("cni_hns.simulator.core.store", SIMULATOR),
        ("json.decoder", STANDARD),
        ("_cffi_backend", OTHERS),
    ],
)
def test_a_module_is_of_its_origin(module: str, group: str) -> None:
    assert group_of(module) == group


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        pytest.param("8", ("", 8), id="a burst"),
        pytest.param("64, the first on the node", ("the first on the node", 64), id="on a fresh node"),
        pytest.param(case_of("ADD", 50_000), ("ADD", 50_000), id="a verb with so many on the node"),
    ],
)
def test_a_case_names_its_place_in_the_picture(case: str, expected: tuple[str, int]) -> None:
    assert _verb_and_number(case) == expected


class TestTheProbe:
    """A part has the time that is spent in it and in no other part."""

    class Clock:
        """Goes on when it is told to."""

        def __init__(self) -> None:
            self.time_s = 0.0

        def __call__(self) -> float:
            return self.time_s

        def goes_on(self, seconds: float) -> None:
            self.time_s += seconds

    def test_a_part_inside_another_is_not_counted_twice(self) -> None:
        clock = self.Clock()
        account = Account(clock)
        inner = account.within("inner", lambda: clock.goes_on(2))

        def outer_work() -> None:
            clock.goes_on(1)
            inner()
            inner()
            clock.goes_on(3)

        clock.goes_on(5)
        account.within("outer", outer_work)()
        inner()
        assert account.totals_s == {"inner": 6, "outer": 4}
        assert account.outside_s() == 5

    def test_a_part_that_fails_is_counted_too(self) -> None:
        clock = self.Clock()
        account = Account(clock)

        def fails() -> None:
            clock.goes_on(2)
            raise KeyError

        with pytest.raises(KeyError):
            account.within("failing", fails)()
        assert (account.totals_s, account.outside_s()) == ({"failing": 2}, 0)
