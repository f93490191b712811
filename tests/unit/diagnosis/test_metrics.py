"""`cni-hns metrics`: the format as Prometheus reads it, and counts that go up once for each line of a log."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cni_hns.cli import main
from cni_hns.diagnosis.counting import Counts, count, keep, kept_in
from cni_hns.diagnosis.exposition import Family, Histogram, Sample, text_of
from cni_hns.doctor.examine import kinds
from tests.harness import SimulatedNode, container_id, l2bridge
from tests.unit.diagnosis.conftest import Shell, add_pod


def parsed(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by its name and labels, as Prometheus' own parser reads it."""
    parser = pytest.importorskip("prometheus_client.parser")
    found: dict[Any, float] = {}
    for family in parser.text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found
            assert sample.timestamp is None
            found[key] = sample.value
    return found


def done(verb: str, milliseconds: float) -> str:
    return json.dumps({"verb": verb, "message": f"{verb} is done", "ms": milliseconds}) + "\n"


def failed(verb: str, code: int) -> str:
    return json.dumps({"verb": verb, "message": f"{verb} failed with code {code}: x", "code": code}) + "\n"


def called(function: str, milliseconds: float) -> str:
    return json.dumps({"message": "HNS call", "call": f"{function} target", "ms": milliseconds}) + "\n"


class TestTheFormat:
    def test_names_of_others_are_labels_and_nothing_else(self) -> None:
        name = 'a"b\\c\nd{} 1'
        text = text_of([Family("x", "gauge", "a\nb", [Sample({"network": name}, 1.5)])])
        assert parsed(text) == {("x", (("network", name),)): 1.5}

    def test_a_histogram_counts_what_is_below_each_bound(self) -> None:
        histogram = Histogram((0.1, 1.0))
        for seconds in (0.05, 0.1, 0.5, 7.0):
            histogram.add(seconds)
        text = text_of([Family("x", "histogram", "words", list(histogram.samples({"verb": "ADD"})))])
        found = {(name, dict(labels).get("le")): value for (name, labels), value in parsed(text).items()}
        assert found == {
            ("x_bucket", "0.1"): 2,
            ("x_bucket", "1"): 3,
            ("x_bucket", "+Inf"): 4,
            ("x_sum", None): 7.65,
            ("x_count", None): 4,
        }

    def test_a_family_without_samples_is_left_out(self) -> None:
        assert text_of([Family("x", "gauge", "words", [])]) == ""


class TestCounting:
    def test_calls_by_result_and_durations(self, tmp_path: Path) -> None:
        log = tmp_path / "cni.log"
        log.write_text(
            done("ADD", 120)
            + done("ADD", 80)
            + failed("ADD", 105)
            + done("DEL", 30)
            + called("HcnOpenEndpoint", 2)
            + called("HNSCall GET /endpoints/", 40)
            + '{"message": "x is done"}\nno JSON\n[]\n{"message": "HNS call", "call": 7, "ms": true}\n'
        )
        counts = Counts()
        count(counts, str(log))
        assert counts.calls == {
            ("ADD", "done", "0"): 2,
            ("ADD", "failed", "105"): 1,
            ("DEL", "done", "0"): 1,
        }
        assert (sum(counts.durations["ADD", "done"].counts), counts.durations["ADD", "done"].total) == (
            2,
            0.2,
        )
        assert {name: one.total for name, one in counts.hns_calls.items()} == {
            "HcnOpenEndpoint": 0.002,
            "HNSCall": 0.04,
        }

    def test_each_line_is_counted_once(self, tmp_path: Path) -> None:
        log, state = tmp_path / "cni.log", str(tmp_path / "state")
        log.write_text(done("ADD", 1))
        assert counted(log, state) == 1
        assert counted(log, state) == 1
        append(log, done("ADD", 2) + '{"verb": "ADD", "message": "ADD is')
        assert counted(log, state) == 2
        append(log, ' done", "ms": 3}\n')
        assert counted(log, state) == 3

    def test_a_log_that_is_turned_over_loses_nothing(self, tmp_path: Path) -> None:
        log, state = tmp_path / "cni.log", str(tmp_path / "state")
        log.write_text(done("ADD", 1))
        assert counted(log, state) == 1
        append(log, done("ADD", 2))
        os.replace(log, f"{log}.1")
        assert counted(log, state) == 2
        log.write_text(done("ADD", 3))
        assert counted(log, state) == 3
        assert counted(log, state) == 3
        append(log, done("ADD", 4))
        os.replace(log, f"{log}.1")
        log.write_text(done("ADD", 5))
        assert counted(log, state) == 5

    def test_two_turns_in_between_lose_lines_and_count_none_twice(self, tmp_path: Path) -> None:
        log, state = tmp_path / "cni.log", str(tmp_path / "state")
        log.write_text(done("ADD", 1))
        assert counted(log, state) == 1
        for milliseconds in (2, 3):
            os.replace(log, f"{log}.1")
            log.write_text(done("ADD", milliseconds))
        os.replace(log, f"{log}.1")
        log.write_text(done("ADD", 4))
        assert counted(log, state) == 3

    def test_the_first_time_the_older_file_counts_too(self, tmp_path: Path) -> None:
        log = tmp_path / "cni.log"
        Path(f"{log}.1").write_text(done("ADD", 1))
        log.write_text(done("ADD", 2))
        assert counted(log, str(tmp_path / "state")) == 2

    def test_a_log_that_began_anew_under_its_first_line_is_read_from_there(self, tmp_path: Path) -> None:
        log, state = tmp_path / "cni.log", str(tmp_path / "state")
        log.write_text(done("ADD", 1) * 3)
        assert counted(log, state) == 3
        log.write_text(done("ADD", 1))
        assert counted(log, state) == 4

    def test_a_run_reads_a_part_and_the_next_goes_on_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cni_hns.diagnosis.counting._MOST_BYTES", 100)
        monkeypatch.setattr("cni_hns.diagnosis.counting._CHUNK_BYTES", 64)
        log, state = tmp_path / "cni.log", str(tmp_path / "state")
        log.write_text(done("ADD", 1) * 10)
        seen = [counted(log, state) for _ in range(8)]
        assert seen == sorted(seen)
        assert (seen[0] < 10, seen[-1]) == (True, 10)

    @pytest.mark.parametrize(
        "text", ["", "no JSON", "{}", "[]", '{"format": 2}', '{"format": 1, "places": 3}']
    )
    def test_a_state_that_is_none_begins_anew(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "state").write_text(text)
        assert kept_in(str(tmp_path / "state")).calls == {}

    def test_what_is_kept_is_read_back(self, tmp_path: Path) -> None:
        log, state = tmp_path / "cni.log", str(tmp_path / "state")
        log.write_text(done("ADD", 120) + failed("GC", 5) + called("HcnOpenNetwork", 3))
        counts = Counts()
        count(counts, str(log))
        keep(counts, state)
        assert text_of(kept_in(state).families()) == text_of(counts.families())

    def test_what_a_log_claims_makes_no_endless_labels(self, tmp_path: Path) -> None:
        log = tmp_path / "cni.log"
        log.write_text("".join(called(f"F{number}", 1) + failed("ADD", number) for number in range(1000)))
        counts = Counts()
        count(counts, str(log))
        assert len(counts.hns_calls) == 100
        assert len(counts.calls) <= 201
        assert sum(counts.calls.values()) == 1000


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def counted(log: Path, state: str) -> int:
    """All calls that were ever counted; what is kept is what a run of the command leaves."""
    counts = kept_in(state)
    count(counts, str(log))
    keep(counts, state)
    return sum(counts.calls.values())


class TestTheCommand:
    def test_tells_what_the_verbs_did_and_how_the_node_is(
        self, shell: Shell, node: SimulatedNode, tmp_path: Path
    ) -> None:
        path = configured(tmp_path)
        config = json.loads(Path(path).read_text())
        for _ in range(2):
            add_pod(node, config)
        assert node.call("ADD", config, container_id(), "11111111-2222-3333-4444-555555555555").exit_code == 1
        found = parsed(shell("metrics", "--config", path).out)
        assert found["cni_hns_calls_total", (("code", "0"), ("result", "done"), ("verb", "ADD"))] == 2
        assert found["cni_hns_call_duration_seconds_count", (("result", "done"), ("verb", "ADD"))] == 2
        assert found["cni_hns_call_duration_seconds_count", (("result", "failed"), ("verb", "ADD"))] == 1
        assert found["cni_hns_hns_call_duration_seconds_count", (("function", "HcnCreateEndpoint"),)] >= 2
        assert found["cni_hns_addresses", (("network", "pods"), ("state", "held"))] == 2
        assert found["cni_hns_attachments", (("network", "pods"), ("phase", "ready"))] == 2
        assert found["cni_hns_ledger_bytes", ()] > 0
        assert {found["cni_hns_source_up", (("source", one),)] for one in ("hns", "hcs", "ledger")} == {1}
        assert sum(value for (name, _), value in found.items() if name == "cni_hns_info") == 1

    def test_free_addresses_are_those_of_the_ranges(
        self, shell: Shell, node: SimulatedNode, tmp_path: Path
    ) -> None:
        path = configured(tmp_path)
        before = parsed(shell("metrics", "--config", path).out)
        free = ("cni_hns_addresses", (("network", "pods"), ("state", "free")))
        add_pod(node, json.loads(Path(path).read_text()))
        after = parsed(shell("metrics", "--config", path).out)
        assert before[free] - after[free] == 1
        # A /24 without its network, its broadcast and its gateway address.
        assert before[free] == 253

    def test_each_kind_of_finding_has_a_number(
        self, shell: Shell, node: SimulatedNode, tmp_path: Path
    ) -> None:
        add_pod(node)
        (row,) = node.rows()
        node.simulator.remove(row.endpoint_id or "")
        found = parsed(shell("metrics", "--conf-dir", str(tmp_path)).out)
        told = {
            dict(labels)["kind"]: value
            for (name, labels), value in found.items()
            if name == "cni_hns_doctor_findings"
        }
        assert set(told) == set(kinds())
        assert told["endpoint-missing"] == 1

    def test_replaces_the_collectors_file_in_one_step(self, shell: Shell, tmp_path: Path) -> None:
        file = tmp_path / "cni-hns.prom"
        file.write_text("old")
        assert shell("metrics", "--file", str(file), "--conf-dir", str(tmp_path)).exit_code == 0
        assert parsed(file.read_text())
        assert [one.name for one in tmp_path.iterdir() if "cni-hns" in one.name] == ["cni-hns.prom"]

    def test_json_has_the_same_samples(self, shell: Shell, sandbox: str, tmp_path: Path) -> None:
        arguments = ("metrics", "--conf-dir", str(tmp_path))
        told = shell.json(*arguments)
        labelled = {
            (one["name"], tuple(sorted(one["labels"].items()))): one["value"]
            for family in told
            for one in family["samples"]
        }
        assert labelled == parsed(shell(*arguments).out)

    def test_a_file_that_the_collector_would_not_read_is_refused(self, shell: Shell, tmp_path: Path) -> None:
        typed = shell("metrics", "--file", str(tmp_path / "cni-hns.txt"))
        assert (typed.exit_code, "end in .prom" in typed.err) == (2, True)

    def test_a_file_that_cannot_be_written_counts_nothing_away(self, shell: Shell, tmp_path: Path) -> None:
        path = configured(tmp_path)
        (tmp_path / "cni.log").write_text(done("ADD", 1))
        typed = shell("metrics", "--config", path, "--file", str(tmp_path / "nowhere" / "x.prom"))
        assert (typed.exit_code, "cannot be written" in typed.err) == (1, True)
        found = parsed(shell("metrics", "--config", path).out)
        assert found["cni_hns_calls_total", (("code", "0"), ("result", "done"), ("verb", "ADD"))] == 1

    def test_counts_go_on_from_run_to_run(self, shell: Shell, tmp_path: Path) -> None:
        path = configured(tmp_path)
        key = ("cni_hns_calls_total", (("code", "0"), ("result", "done"), ("verb", "GC")))
        (tmp_path / "cni.log").write_text(done("GC", 1))
        assert parsed(shell("metrics", "--config", path).out)[key] == 1
        append(tmp_path / "cni.log", done("GC", 1))
        assert parsed(shell("metrics", "--config", path).out)[key] == 2
        assert parsed(shell("metrics", "--config", path).out)[key] == 2

    def test_what_does_not_answer_is_told_and_gives_no_number(
        self, shell: Shell, node: SimulatedNode, tmp_path: Path
    ) -> None:
        add_pod(node)
        node.simulator.inject(hang=True, count=0)
        typed = shell("metrics", "--timeout", "1.5", "--conf-dir", str(tmp_path))
        found = parsed(typed.out)
        assert typed.exit_code == 0
        assert "endpoints: no answer within" in typed.err
        assert found["cni_hns_source_up", (("source", "hns"),)] == 0
        assert found["cni_hns_source_up", (("source", "ledger"),)] == 1
        assert found["cni_hns_addresses", (("network", "pods"), ("state", "held"))] == 1

    def test_a_node_without_hns(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        from cni_hns.__main__ import choose_hns

        arguments = ["metrics", "--data-dir", str(tmp_path / "state"), "--conf-dir", str(tmp_path)]
        assert main(arguments, choose_hns({})) == 0
        found = parsed(capsys.readouterr().out)
        assert found["cni_hns_source_up", (("source", "hns"),)] == 0
        assert not any(name == "cni_hns_doctor_findings" for name, _ in found)


def configured(tmp_path: Path) -> str:
    path = tmp_path / "10-pods.conf"
    path.write_text(json.dumps(l2bridge(log={"file": str(tmp_path / "cni.log")})))
    return str(path)
