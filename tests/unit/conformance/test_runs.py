"""A run as a whole: processes, time limits, interruption, what is left over, and its reports."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cni_hns.conformance import (
    CHECKS,
    FAIL,
    NOT_APPLICABLE,
    PASS,
    Call,
    Check,
    CommandNamespaces,
    GivenNamespaces,
    NamespaceFault,
    Namespaces,
    NotStarted,
    Outcome,
    ProcessRunner,
    Runner,
    Subject,
    Suite,
    TextNamespaces,
    Verdict,
    as_json,
    as_junit,
)
from tests.unit.conformance.reference import FakeNamespaces, Reference, configuration

ROOT = Path(__file__).parents[3]

# The reference plugin as a program: what it holds between calls lies in the file that STATE names.
PROGRAM = """
import os, pickle, sys
from cni_hns.conformance import Call
from tests.unit.conformance.reference import Reference

plugin = Reference("ipam")
if os.path.exists(os.environ["STATE"]):
    with open(os.environ["STATE"], "rb") as file:
        plugin.held, plugin._last = pickle.load(file)
variables = {name: value for name, value in os.environ.items() if name.startswith("CNI_")}
outcome = plugin(Call(variables, sys.stdin.buffer.read()))
with open(os.environ["STATE"], "wb") as file:
    pickle.dump((plugin.held, plugin._last), file)
sys.stdout.buffer.write(outcome.stdout)
sys.exit(outcome.exit_code)
"""


class Quiet:
    def begins(self, check: Check, number: int, total: int) -> None: ...

    def ended(self, verdict: Verdict) -> None: ...


def chosen(*ids: str) -> list[Check]:
    return [check for check in CHECKS if check.id in ids]


def subject_of(runner: Runner, namespaces: Namespaces | None = None, kind: str = "ipam") -> Subject:
    return Subject(runner, configuration(kind), namespaces or TextNamespaces(), "/opt/cni/bin")


def status_of(subject: Subject, check: str) -> Verdict:
    (verdict,) = Suite(subject, chosen(check)).run(Quiet()).verdicts
    return verdict


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    path = tmp_path / "reference.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return [sys.executable, str(path)]


class TestProcesses:
    def test_a_program_is_checked_as_a_process_for_each_call(
        self, program: list[str], tmp_path: Path
    ) -> None:
        environment = {**os.environ, "STATE": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}
        subject = subject_of(ProcessRunner(program, 60, environment))
        ids = ("version.answers", "add.repeated", "delete.repeated", "check.after-delete", "results.ipam")
        summary = Suite(subject, chosen(*ids)).run(Quiet())
        assert {verdict.check.id: verdict.status for verdict in summary.verdicts} == dict.fromkeys(ids, PASS)
        assert summary.ok

    def test_variables_of_the_protocol_are_not_inherited_and_others_are(self) -> None:
        show = [
            sys.executable,
            "-c",
            "import os; print(sorted(k for k in os.environ if k.startswith('CNI_')))",
        ]
        inherited = {
            "PATH": os.environ["PATH"],
            "CNI_ARGS": "A=1",
            "CNI_NETNS": "x",
            "CNI_HNS_SIMULATOR": "node",
        }
        outcome = ProcessRunner(show, 60, inherited)(Call({"CNI_COMMAND": "DEL"}, b""))
        assert outcome.stdout.split() == b"['CNI_COMMAND', 'CNI_HNS_SIMULATOR']".split()

    def test_a_plugin_that_reads_no_stdin_is_no_fault(self) -> None:
        outcome = ProcessRunner([sys.executable, "-c", "print('{}')"], 60)(Call({}, b"x" * 1_000_000))
        assert (outcome.exit_code, outcome.document) == (0, {})

    def test_a_plugin_that_does_not_end_is_ended_and_fails_any_check(self) -> None:
        hangs = [sys.executable, "-c", "import time; print('so far', flush=True); time.sleep(600)"]
        verdict = status_of(subject_of(ProcessRunner(hangs, 0.5)), "version.newer-runtime")
        assert verdict.check.level == "should"
        assert verdict.status == FAIL
        assert "did not end" in verdict.message
        assert "exit code: none, it was ended" in verdict.evidence

    def test_a_program_that_cannot_be_started_ends_the_run(self, tmp_path: Path) -> None:
        subject = subject_of(ProcessRunner([str(tmp_path / "nothing")], 60))
        with pytest.raises(NotStarted, match="nothing"):
            Suite(subject, CHECKS).run(Quiet())


class TestCleaningUp:
    def test_an_interrupted_check_deletes_what_it_added(self) -> None:
        plugin = Reference()

        def interrupted_at_check(call: Call) -> Outcome:
            if call.command == "CHECK":
                raise KeyboardInterrupt
            return plugin(call)

        subject = subject_of(interrupted_at_check, FakeNamespaces(plugin.namespaces), "interface")
        with pytest.raises(KeyboardInterrupt):
            Suite(subject, chosen("check.after-add")).run(Quiet())
        assert (plugin.held, plugin.namespaces) == ({}, set())

    def test_an_add_that_is_interrupted_is_deleted_too(self) -> None:
        plugin = Reference("ipam")

        def interrupted(call: Call) -> Outcome:
            outcome = plugin(call)
            if call.command == "ADD":
                raise KeyboardInterrupt
            return outcome

        with pytest.raises(KeyboardInterrupt):
            Suite(subject_of(interrupted), chosen("add.result")).run(Quiet())
        assert plugin.held == {}

    def test_what_cannot_be_deleted_is_said_and_the_run_is_not_good(self) -> None:
        plugin = Reference("ipam")

        def never_deletes(call: Call) -> Outcome:
            return (
                Outcome(call, 1, b'{"code": 7, "msg": "no"}', b"") if call.command == "DEL" else plugin(call)
            )

        summary = Suite(subject_of(never_deletes), chosen("add.result")).run(Quiet())
        assert summary.count(FAIL) == 0
        assert not summary.ok
        (line,) = summary.left_over
        assert line.startswith("container conformance-")
        assert line.endswith("interface eth0: DEL failed: no")

    def test_a_run_in_which_nothing_applied_is_not_good(self) -> None:
        summary = Suite(subject_of(Reference("ipam")), chosen("add.sandbox")).run(Quiet())
        assert summary.count(NOT_APPLICABLE) == 1
        assert not summary.ok


class TestNamespaces:
    def test_given_ones_are_lent_and_come_back(self) -> None:
        plugin = Reference(namespaces={"/netns/a"})
        subject = subject_of(plugin, GivenNamespaces(["/netns/a"]), "interface")
        summary = Suite(subject, chosen("add.result", "add.sandbox", "add.distinct-addresses")).run(Quiet())
        statuses = {verdict.check.id: (verdict.status, verdict.message) for verdict in summary.verdicts}
        assert statuses["add.result"] == statuses["add.sandbox"] == (PASS, "")
        assert statuses["add.distinct-addresses"][0] == NOT_APPLICABLE
        assert "than the 1 given" in statuses["add.distinct-addresses"][1]
        assert plugin.held == {}

    def test_commands_make_and_remove_them(self, tmp_path: Path) -> None:
        script = "import os, sys; p = os.path.join(sys.argv[1], sys.argv[2]); "
        make = f'"{sys.executable}" -c "{script}os.mkdir(p); print(p)" "{tmp_path}" {{name}}'
        remove = f'"{sys.executable}" -c "{script}os.rmdir(p)" "{tmp_path}" {{name}}'
        namespaces = CommandNamespaces(make, remove)
        netns = namespaces.make("one")
        assert Path(netns) == tmp_path / "one"
        assert Path(netns).is_dir()
        namespaces.remove(netns)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("command", "words"),
        [
            pytest.param(f'"{sys.executable}" -c "raise SystemExit(3)"', "exit 3", id="fails"),
            pytest.param(f'"{sys.executable}" -c ""', "printed none", id="prints nothing"),
            pytest.param("no-such-program-anywhere", "no-such-program-anywhere", id="is not there"),
        ],
    )
    def test_a_command_that_gives_none_ends_the_run(self, command: str, words: str) -> None:
        subject = subject_of(Reference(), CommandNamespaces(command, None), "interface")
        with pytest.raises(NamespaceFault, match=words):
            Suite(subject, chosen("add.result")).run(Quiet())

    def test_gc_is_left_out_on_a_network_that_others_may_use(self) -> None:
        verdict = status_of(subject_of(Reference("ipam")), "gc.keeps-valid")
        assert verdict.status == NOT_APPLICABLE
        assert "--unused-network" in verdict.message


class TestReports:
    @pytest.fixture
    def wrong(self) -> Runner:
        """A plugin whose VERSION echoes nothing and prints what XML cannot say."""
        plugin = Reference("ipam")

        def answer(call: Call) -> Outcome:
            if call.command != "VERSION":
                return plugin(call)
            answered = {"cniVersion": "1.1.0", "supportedVersions": ["0.4.0", "1.1.0"]}
            return Outcome(call, 0, json.dumps(answered).encode(), b"\x1b[31mred\x00")

        return answer

    IDS = ("version.answers", "version.echo", "add.sandbox", "results.ipam")

    def test_a_failure_shows_the_call_that_it_is_about(self, wrong: Runner) -> None:
        subject = subject_of(wrong)
        summary = Suite(subject, chosen(*self.IDS)).run(Quiet())
        report = as_json("/bin/wrong", subject, summary)
        assert (report["plugin"], report["kind"], report["ok"]) == ("/bin/wrong", "ipam", False)
        assert report["counts"] == {"pass": 2, "remark": 0, "fail": 1, "not applicable": 1}
        failed = next(check for check in report["checks"] if check["status"] == "fail")
        assert failed["id"] == "version.echo"
        assert failed["message"] == "asked with 0.4.0, the answer has 1.1.0"
        assert 'stdin: {"cniVersion": "0.4.0"}' in failed["evidence"]
        assert "exit code: 0" in failed["evidence"]
        assert failed["calls"] == ["VERSION dummy -> exit 0"]

    def test_junit_xml_is_well_formed_and_has_the_same_counts(self, wrong: Runner) -> None:
        subject = subject_of(wrong)
        summary = Suite(subject, chosen(*self.IDS)).run(Quiet())
        suite = ET.fromstring(as_junit("/bin/wrong", subject, summary)).find("testsuite")  # noqa: S314 -- our own
        assert suite is not None
        counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": "5", "failures": "1", "errors": "0", "skipped": "1"}
        cases = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
        assert cases == {
            "version.answers": [],
            "version.echo": ["failure"],
            "add.sandbox": ["skipped"],
            "results.ipam": [],
            "clean-up": [],
        }
        failure = suite.find("testcase/failure")
        assert failure is not None
        assert failure.text is not None
        assert "section 5, VERSION Success" in failure.text
