"""What a list looks like: on terminals of both widths, in a pipe, and as its options ask for it."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from cni_hns.cli.layout import fitting, pairs
from cni_hns.deadline import Deadline
from cni_hns.ledger import Lease, open_ledger
from tests.commands import COMMANDS
from tests.terminal import WIDTHS, needs_a_terminal, on_terminal
from tests.unit.cli.conftest import Node

SANDBOX = "5a" * 32
LISTS = [path for path in COMMANDS if path[-1:] in (("list",), ("ps",))]


class Shown(NamedTuple):
    """A node with a pod whose names are as long as a runtime makes them."""

    node: Node
    network: str
    namespace: str
    endpoint: str


@pytest.fixture
def shown(node: Node) -> Shown:
    network = node.make("network", "create", "--name", "l2b", "--mode", "l2bridge", "--subnet", "10.1.0.0/24")
    namespace = str(node.make("namespace", "create")["id"])
    endpoint = node.plant_endpoint(network["id"], f"{SANDBOX}_l2b", namespace)
    ledger = open_ledger(str(node.folder / "cni-hns" / "ledger.db"), Deadline(60.0))
    with ledger.transaction():
        ledger.hold(Lease("l2b", "10.1.0.2", SANDBOX, "eth0", "", 24, None, "allocated", "held", None))
    ledger.close()
    return Shown(node, network["id"], namespace, endpoint)


def ids_of(shown: Shown, kind: str) -> list[str]:
    return {
        "network": [shown.network],
        "namespace": [shown.namespace],
        "endpoint": [shown.endpoint, f"{SANDBOX}_l2b"],
        "ipam": [SANDBOX, "10.1.0.2"],
        "pod": [SANDBOX],
    }[kind]


KINDS = ["network", "namespace", "endpoint", "ipam", "pod"]


@needs_a_terminal
@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("options", [(), ("-o", "wide")], ids=["usual", "wide"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_list_fits_the_terminal_and_no_id_is_broken(
    shown: Shown, kind: str, options: tuple[str, ...], columns: int
) -> None:
    seen = shown.node.screen(columns, kind, "list", *options)
    assert seen.exit_code == 0
    assert seen.fits(columns), seen.text
    assert {*ids_of(shown, kind)} <= {*seen.words}


@needs_a_terminal
@pytest.mark.parametrize("kind", ["network", "namespace", "endpoint", "pod"])
def test_what_is_shown_of_one_fits_the_terminal_too(shown: Shown, kind: str) -> None:
    (identifier, *_) = ids_of(shown, kind)
    seen = shown.node.screen(80, kind, "show", identifier)
    facts = seen._replace(raw=seen.text.partition("\n{")[0])
    assert identifier in facts.words
    assert facts.fits(80), facts.text


@pytest.mark.parametrize("kind", KINDS)
def test_in_a_pipe_a_row_is_a_line_with_its_ids(shown: Shown, kind: str) -> None:
    for options in ((), ("-o", "wide"), ("--no-trunc",)):
        _, *rows = shown.node(kind, "list", *options).out.splitlines()
        assert any({*ids_of(shown, kind)} <= {*row.split()} for row in rows)


@needs_a_terminal
def test_no_trunc_keeps_a_row_on_a_line_of_a_narrow_terminal(shown: Shown) -> None:
    assert len(shown.node.screen(80, "endpoint", "list").text.splitlines()) > 2
    assert len(shown.node.screen(80, "endpoint", "list", "--no-trunc").text.splitlines()) == 2


@pytest.mark.parametrize("path", LISTS, ids=" ".join)
def test_every_list_has_the_same_options(path: tuple[str, ...], node: Node) -> None:
    known = {option for parameter in COMMANDS[path].params for option in parameter.opts}
    assert known >= {"--output", "--json", "--quiet", "--no-trunc"}


class TestFormats:
    def test_ids_alone_and_names_alone(self, shown: Shown) -> None:
        assert shown.node("endpoint", "list", "-q").out == f"{shown.endpoint}\n"
        assert shown.node("endpoint", "list", "-o", "name").out == f"{SANDBOX}_l2b\n"
        assert shown.node("ipam", "list", "-q").out == "10.1.0.2\n"

    def test_json_has_two_spellings(self, shown: Shown) -> None:
        listed = shown.node.make("endpoint", "list")
        assert [one["id"] for one in listed] == [shown.endpoint]
        assert shown.node("endpoint", "list", "-o", "json").json == listed
        assert shown.node("endpoint", "list", "-o", "json", "--json").json == listed

    def test_an_empty_list_has_no_id(self, node: Node) -> None:
        assert node("endpoint", "list", "-q").out == ""

    @pytest.mark.parametrize("options", [("-o", "wide", "--json"), ("-q", "--json"), ("-q", "-o", "name")])
    def test_two_at_once_are_refused(self, node: Node, options: tuple[str, ...]) -> None:
        assert node("endpoint", "list", *options).exit_code == 2


class TestColour:
    @needs_a_terminal
    def test_is_for_terminals_and_not_for_those_who_want_none(self, shown: Shown) -> None:
        assert "\x1b[" in shown.node.screen(200, "network", "list").raw
        assert "\x1b" not in shown.node.screen(200, "--color", "never", "network", "list").raw
        assert "\x1b" not in shown.node("network", "list").out

    @needs_a_terminal
    def test_is_none_where_no_color_is_set(self, shown: Shown) -> None:
        with on_terminal(200) as terminal, pytest.MonkeyPatch.context() as patched:
            patched.setenv("NO_COLOR", "1")
            shown.node("network", "list")
        assert "\x1b" not in terminal.raw

    def test_can_be_asked_for_in_a_pipe(self, shown: Shown) -> None:
        assert "\x1b[" in shown.node("--color", "always", "network", "list").out


class TestWatch:
    @needs_a_terminal
    def test_draws_again_with_what_has_changed_until_ctrl_c(
        self, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        network = node.make("network", "create", "--name", "l2b", "--mode", "nat")["id"]
        planted: list[str] = []

        def between(_: float) -> None:
            if planted:
                raise KeyboardInterrupt
            planted.append(node.plant_endpoint(network))

        monkeypatch.setattr("cni_hns.cli.listing.time.sleep", between)
        seen = node.screen(120, "endpoint", "list", "--watch")
        first, second = seen.text.split("cni-hns endpoint list, every 2 s (Ctrl-C ends it)")[1:]
        assert (seen.exit_code, "no endpoints" in first, planted[0] in second) == (130, True, True)
        assert "\x1b[2J" in seen.raw

    @needs_a_terminal
    def test_takes_its_interval(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        waited: list[float] = []

        def between(seconds: float) -> None:
            waited.append(seconds)
            raise KeyboardInterrupt

        monkeypatch.setattr("cni_hns.cli.listing.time.sleep", between)
        node.screen(80, "ipam", "list", "--watch", "5")
        assert waited == [5.0]

    @pytest.mark.parametrize("options", [(), ("--json",), ("-o", "json")], ids=["pipe", "json", "-o json"])
    def test_is_refused_where_nothing_is_drawn(self, node: Node, options: tuple[str, ...]) -> None:
        typed = node("endpoint", "list", "--watch", *options)
        assert typed.exit_code == 2
        assert "--watch draws on a terminal" in typed.err


class TestLayout:
    def test_words_move_to_the_next_line_before_an_id_is_broken(self) -> None:
        row = {"id": "5a" * 18, "words": "three words here", "list": ["10.0.0.1/24", "fd00::1/64"]}
        columns = {"ID": "id", "WORDS": "words", "LIST": "list"}
        assert fitting([row], columns, 36 + 2 + 5 + 2 + 12) is not None
        assert fitting([row], columns, 36 + 2 + 5 + 2 + 11) is None

    def test_a_value_that_is_too_long_beside_its_name_stands_below_it(self) -> None:
        told = pairs({"a name of some length": "x" * 40, "empty": None}, 45).plain
        assert told == f"a name of some length\n    {'x' * 40}"
        assert pairs({"name": "x" * 40}, 46).plain == f"name  {'x' * 40}"

    def test_without_a_terminal_a_value_is_one_line(self) -> None:
        assert pairs({"name": "word " * 100}, None).plain.count("\n") == 0
