"""The command line as a whole: help, exit codes, and one line for every failure."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cni_hns import __version__
from cni_hns.__main__ import choose_hns
from cni_hns.cli import main
from cni_hns.cli.app import cli
from cni_hns.cli.examples import EXAMPLES
from cni_hns.cli.failure import wants_json
from cni_hns.cli.groups import Commands
from cni_hns.cni.protocol import SUPPORTED
from cni_hns.simulator import Simulator
from tests.commands import COMMANDS
from tests.unit.cli.conftest import Node


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "cni-hns")
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_needs_no_hns_and_fits_the_screen(
    path: tuple[str, ...], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*path, option], choose_hns({})) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Usage: {' '.join(('cni-hns', *path))} ")
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("network", "lst"), ("network", "show"), ("network", "list", "--xml"), ("demo", "extra")],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2_with_nothing_on_stdout(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(arguments), choose_hns({})) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Error: " in captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("network", "list"),
        ("endpoint", "show", "x"),
        ("namespace", "create"),
        ("network", "create", "--name", "n", "--mode", "nat"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("json_option", [(), ("--json",)], ids=["table", "json"])
def test_without_an_hns_the_line_names_the_variable_and_the_demo(
    arguments: tuple[str, ...], json_option: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, *json_option], choose_hns({})) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "CNI_HNS_SIMULATOR" in captured.err
    assert "cni-hns demo" in captured.err
    told = {"message": captured.err.removeprefix("cni-hns: ").rstrip(), "exitCode": 1, "code": 106}
    assert (json.loads(captured.out) if json_option else captured.out) == (
        {"error": told} if json_option else ""
    )


class TestFailuresForPrograms:
    """Under --json what is on stdout is JSON, whatever went wrong."""

    @pytest.mark.parametrize("spelling", [("--json",), ("-o", "json"), ("-ojson",), ("--output=json",)])
    def test_each_spelling_asks_for_it(self, node: Node, spelling: tuple[str, ...]) -> None:
        typed = node("endpoint", "list", "--network", "nope", *spelling)
        assert typed.json["error"]["exitCode"] == typed.exit_code == 1
        assert typed.json["error"]["message"] in typed.err

    def test_a_wrong_command_line_is_told_too(self, node: Node) -> None:
        typed = node("network", "lst", "--json")
        assert (typed.exit_code, typed.json["error"]["exitCode"]) == (2, 2)

    def test_what_a_service_says_has_its_number(self, node: Node, simulator: Simulator) -> None:
        simulator.inject(function="HcnEnumerateNetworks", hresult=0x800706BA)
        assert node("network", "list", "--json").json["error"]["hresult"] == "0x800706BA"

    def test_the_command_line_of_another_program_is_not_ours(self) -> None:
        assert not wants_json(["container", "exec", "box", "--", "tool", "--json"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        pytest.param("pod ls", ["pod list"], id="docker's word"),
        pytest.param("network rm", ["network delete"], id="another one"),
        pytest.param("endpoint get", ["endpoint list", "endpoint show"], id="kubectl's word"),
        pytest.param("get pods", ["pod list", "pod show"], id="kubectl's order"),
        pytest.param("delete network cbr0", ["network delete"], id="kubectl's order, a name"),
        pytest.param("describe ep x", ["endpoint show"], id="a short form"),
        pytest.param("pods", ["pod"], id="a plural"),
        pytest.param("nettwork list", ["network"], id="a typo"),
        pytest.param("container strat", ["container stats", "container start"], id="a typo in a group"),
        pytest.param("leases", ["ipam"], id="what is in it"),
        pytest.param("help pod shwo", ["pod show"], id="in help"),
    ],
)
def test_a_wrong_word_is_answered_with_what_was_meant(
    typed: str, meant: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed.split(), choose_hns({})) == 2
    words = " ".join(capsys.readouterr().err.split())
    listed = " or ".join(f'"cni-hns {one}"' for one in meant)
    assert f"did you mean {listed}?" in words


def test_a_verb_alone_is_answered_with_all_that_have_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls"], choose_hns({})) == 2
    words = capsys.readouterr().err
    assert all(f'"cni-hns {kind} list"' in words for kind in ("pod", "network", "endpoint", "container"))


def test_a_word_that_is_like_nothing_gets_no_guess(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["xyzzy"], choose_hns({})) == 2
    assert 'no command "cni-hns xyzzy"\n' in capsys.readouterr().err


def test_every_group_knows_other_tools_words() -> None:
    groups = [one for one in COMMANDS.values() if isinstance(one, click.Group)]
    assert all(isinstance(one, Commands) for one in groups)


class TestHelp:
    def test_groups_all_commands_by_what_they_are_for(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--help"], choose_hns({})) == 0
        out = capsys.readouterr().out
        topics = ["Look at the node:", "Mend it:", "Network:", "Containers:", "Install:", "Try:"]
        assert [line for line in out.splitlines() if line in {*topics, "Other:"}] == topics

    @pytest.mark.parametrize(
        "path", [path for path, one in COMMANDS.items() if isinstance(one, click.Group)], ids=" ".join
    )
    def test_of_a_group_has_whole_sentences(
        self, path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([*path, "--help"], choose_hns({})) == 0
        _usage, *lines = capsys.readouterr().out.splitlines()
        assert not any(line.endswith("...") for line in lines)

    def test_of_a_command_has_two_spellings(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["help", "network", "delete"], choose_hns({})) == 0
        told = capsys.readouterr().out
        assert main(["network", "delete", "--help"], choose_hns({})) == 0
        assert told == capsys.readouterr().out

    def test_alone_is_that_of_the_program(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["help"], choose_hns({})) == 0
        assert "Look at the node:" in capsys.readouterr().out

    def test_of_what_has_no_commands_is_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["help", "gc", "more"], choose_hns({})) == 2

    @pytest.mark.parametrize("path", [path for path in COMMANDS if path], ids=" ".join)
    def test_has_examples(self, path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
        main([*path, "--help"], choose_hns({}))
        assert f"  cni-hns {' '.join(path)}" in capsys.readouterr().out.partition("Examples:")[2]

    @pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
    def test_what_an_example_says_can_be_typed(self, line: str) -> None:
        """Click takes it: no command, option or value of it is wrong."""
        words = re.split(r" >> | \| ", line)[0].split()
        context = cli.make_context("cni-hns", words)
        while isinstance(context.command, click.Group):
            if context.command.invoke_without_command and not _left(context):
                break
            name, command, rest = context.command.resolve_command(context, [*_left(context)])
            assert command is not None
            context = command.make_context(name, rest, parent=context)


def _left(context: click.Context) -> list[str]:
    """What a group has not read itself."""
    return [*context._protected_args, *context.args]


def test_the_version_is_an_option_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"], choose_hns({})) == 0
    assert capsys.readouterr().out == f"cni-hns {__version__}\n"


class TestVersion:
    def test_names_the_program_cni_and_the_hns(self, node: Node) -> None:
        facts = node.make("version")
        assert (facts["version"], facts["cniVersions"], facts["hns"]) == (
            __version__,
            list(SUPPORTED),
            "16.0",
        )
        out = node("version").out
        assert __version__ in out
        assert "16.0" in out

    def test_is_no_failure_without_an_hns(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["version"], choose_hns({})) == 0
        assert "not reachable: " in capsys.readouterr().out
        assert main(["version", "--json"], choose_hns({})) == 0
        assert json.loads(capsys.readouterr().out)["hns"] is None


def front_door(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cni_hns", *arguments]


def environment(folder: Path) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CNI_")}
    return {**inherited, "CNI_HNS_SIMULATOR": str(folder)}


def test_a_reader_that_has_seen_enough_is_no_traceback(tmp_path: Path) -> None:
    """Like `cni-hns namespace list | head -0`: the pipe is closed before anything is written."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            front_door("namespace", "list"),
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(tmp_path),
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_front_door_hands_over_arguments_and_exit_code(tmp_path: Path) -> None:
    done = subprocess.run(
        front_door("endpoint", "show", "nobody"),
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'cni-hns: there is no endpoint with the name "nobody"; see: cni-hns endpoint list\n'
