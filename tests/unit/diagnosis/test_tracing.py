"""`cni-hns trace`: pktmon and netsh are played by scripts that keep a capture and filters as files."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cni_hns.diagnosis import tracing
from cni_hns.diagnosis.collectors import Surroundings
from cni_hns.diagnosis.tracing import Limits, Said, Target, TraceFault
from tests.harness import SimulatedNode
from tests.unit.diagnosis.conftest import Shell

TARGET = Target(("10.0.0.2", "fd00::2"), ("00-15-5D-00-00-02",), overlay=False)
LIMITS = Limits(0.01, 250, 256)

# The state is the file `capture`; a command whose words are those in the file `failing` fails.
PKTMON = """#!/bin/sh
cd {folder}
echo "pktmon $*" >> calls
if [ "$*" = "$(/bin/cat failing 2>/dev/null)" ]; then
  echo "Failed: it is said"
  exit 87
fi
case "$1 $2" in
  "help ")
    echo "pktmon etl2txt etl2pcap" ;;
  "status ")
    if [ -e capture ]; then
      echo "Packet Monitor is running."
      /bin/cat capture
    else
      echo "Packet Monitor is not running."
    fi ;;
  "filter list")
    echo "Packet Filters:"
    if [ -s filters ]; then /bin/cat filters; else echo "    None"; fi ;;
  "filter add")
    echo " 1 $*" >> filters ;;
  "filter remove")
    /bin/rm -f filters ;;
  "start --capture")
    while [ "$1" != --file-name ]; do shift; done
    echo "$2" > capture; echo packets > "$2" ;;
  "stop ")
    [ -e capture ] || exit 1
    /bin/rm capture ;;
  "etl2pcap "*)
    echo "pcapng of $(/bin/cat "$2")" > "$4" ;;
esac
"""

NETSH = """#!/bin/sh
cd {folder}
echo "netsh $*" >> calls
case "$2 $3" in
  "show status")
    if [ -e capture ]; then
      echo "Trace configuration: Running"
    else
      echo "There is no trace session currently in progress."
      exit 1
    fi ;;
  "start capture=yes")
    for one; do
      case "$one" in traceFile=*) echo packets > "${{one#traceFile=}}" ;; esac
    done
    echo x > capture ;;
  "stop ")
    /bin/rm capture ;;
esac
"""


class Stage:
    """The folder of the scripts, and what they keep in it."""

    def __init__(self, folder: Path, output: Path) -> None:
        self.folder = folder
        self.output = output

    def has(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(script.format(folder=self.folder))
        path.chmod(0o755)

    @property
    def programs(self) -> tracing.Programs:
        return tracing.Programs(Surroundings("nt", (str(self.folder),), {}))

    @property
    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def is_clean(self) -> bool:
        return not (self.folder / "capture").exists() and not (self.folder / "filters").exists()

    def trace(self, tool: str = tracing.PKTMON, programs: tracing.Tracer | None = None) -> tracing.Traced:
        return tracing.trace(tool, TARGET, LIMITS, str(self.output), programs or self.programs)


@pytest.fixture
def stage(no_programs: Path, tmp_path: Path) -> Stage:
    made = Stage(no_programs, tmp_path / "pod.pcapng")
    made.has("pktmon", PKTMON)
    return made


class TestPktmon:
    def test_is_filtered_bounded_stopped_and_converted(self, stage: Stage) -> None:
        done = stage.trace()
        assert done == (str(stage.output), ())
        assert stage.output.read_text() == "pcapng of packets\n"
        etl = str(stage.output.with_suffix(".etl"))
        assert not os.path.exists(etl)
        assert stage.calls == [
            "pktmon status",
            "pktmon filter list",
            "pktmon filter add cni-hns -m 00-15-5D-00-00-02",
            "pktmon filter add cni-hns -i 10.0.0.2",
            "pktmon filter add cni-hns -i fd00::2",
            f"pktmon start --capture --pkt-size 256 --file-name {etl} --file-size 250 --log-mode circular",
            "pktmon stop",
            "pktmon filter remove",
            f"pktmon etl2pcap {etl} --out {stage.output}",
        ]
        assert stage.is_clean

    def test_runs_what_a_dry_run_says(self, stage: Stage) -> None:
        said = tracing.commands_of(tracing.PKTMON, TARGET, LIMITS, str(stage.output))
        stage.trace()
        assert stage.calls == said

    def test_looks_into_what_an_overlay_wraps(self, stage: Stage) -> None:
        said = tracing.commands_of(tracing.PKTMON, TARGET._replace(overlay=True), LIMITS, "x.pcapng")
        assert "pktmon filter add cni-hns -i 10.0.0.2 -e" in said

    def test_begins_nothing_while_another_capture_runs(self, stage: Stage) -> None:
        (stage.folder / "capture").write_text("another.etl")
        with pytest.raises(TraceFault, match=r"another capture runs.*end it with pktmon stop"):
            stage.trace()
        assert stage.calls == ["pktmon status", "pktmon filter list"]

    def test_begins_nothing_where_somebody_else_has_filters(self, stage: Stage) -> None:
        (stage.folder / "filters").write_text(" 1 mine 10.0.0.9\n")
        with pytest.raises(TraceFault, match="filters of somebody else"):
            stage.trace()
        assert (stage.folder / "filters").exists()

    def test_begins_nothing_where_it_does_not_understand_the_state(self, stage: Stage) -> None:
        stage.has("pktmon", '#!/bin/sh\necho "O Monitor de Pacotes não está em execução."\n')
        with pytest.raises(TraceFault, match="is not understood"):
            stage.trace()

    @pytest.mark.parametrize(
        "failing", ["filter add cni-hns -i 10.0.0.2", "start", "stop", "filter remove", "etl2pcap"]
    )
    def test_is_over_whichever_step_fails(self, stage: Stage, failing: str) -> None:
        commands = tracing.commands_of(tracing.PKTMON, TARGET, LIMITS, str(stage.output))
        command = next(one for one in commands if one.startswith(f"pktmon {failing}"))
        (stage.folder / "failing").write_text(command.removeprefix("pktmon "))
        with pytest.raises(TraceFault, match="it is said"):
            stage.trace()
        assert "pktmon filter remove" in stage.calls
        assert (stage.folder / "capture").exists() == (failing == "stop")
        assert (stage.folder / "filters").exists() == (failing == "filter remove")

    def test_a_stop_that_failed_is_told_with_what_to_type(self, stage: Stage) -> None:
        (stage.folder / "failing").write_text("stop")
        with pytest.raises(TraceFault, match="type it again: pktmon stop"):
            stage.trace()

    def test_a_start_that_failed_halfway_is_stopped(self, stage: Stage) -> None:
        """It says that it failed, and the state says that our file is written to."""
        stage.has("pktmon", PKTMON.replace('echo packets > "$2" ;;', "exit 5 ;;"))
        with pytest.raises(TraceFault, match="exit code 5"):
            stage.trace()
        assert stage.is_clean

    def test_a_capture_of_another_that_came_in_between_is_not_stopped(self, stage: Stage) -> None:
        stage.has(
            "pktmon",
            PKTMON.replace('echo "$2" > capture; echo packets > "$2" ;;', "echo b.etl > capture; exit 5 ;;"),
        )
        with pytest.raises(TraceFault, match="exit code 5"):
            stage.trace()
        assert "pktmon stop" not in stage.calls

    def test_ctrl_c_keeps_what_there_is(self, stage: Stage) -> None:
        done = stage.trace(programs=Impatient(stage.programs))
        assert done.notes == ("ended early, by Ctrl-C",)
        assert stage.output.exists()
        assert stage.is_clean

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
    def test_a_request_to_end_ends_it_as_ctrl_c_does(self, stage: Stage, number: int) -> None:
        stage.trace(programs=Impatient(stage.programs, number))
        assert stage.output.exists()
        assert stage.is_clean

    def test_ctrl_c_between_two_steps_leaves_nothing(self, stage: Stage) -> None:
        with pytest.raises(KeyboardInterrupt):
            stage.trace(programs=Impatient(stage.programs, at="pktmon filter add cni-hns -i fd00::2"))
        assert stage.is_clean

    def test_a_second_ctrl_c_does_not_keep_the_capture_running(self, stage: Stage) -> None:
        stage.trace(programs=Impatient(stage.programs, at="pktmon stop"))
        assert stage.is_clean

    def test_a_file_that_is_there_is_not_replaced(self, stage: Stage) -> None:
        stage.output.write_text("mine")
        with pytest.raises(TraceFault, match="is there already"):
            stage.trace()
        assert stage.calls == []

    def test_works_beside_the_main_thread(self, stage: Stage) -> None:
        found: list[tracing.Traced] = []
        thread = threading.Thread(target=lambda: found.append(stage.trace()))
        thread.start()
        thread.join()
        assert found[0].path == str(stage.output)


@pytest.fixture(autouse=True)
def ctrl_c_interrupts() -> Iterator[None]:
    """As on a terminal: a run of tests in the background may have been started without it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Impatient:
    """Presses Ctrl-C, or sends another signal, while time passes or just before a command."""

    def __init__(self, programs: tracing.Programs, number: int = signal.SIGINT, at: str = "") -> None:
        self._programs = programs
        self._number = number
        self._at = at

    def run(self, command: tuple[str, ...], timeout_s: float) -> Said:
        if " ".join(command) == self._at:
            signal.raise_signal(self._number)
        return self._programs.run(command, timeout_s)

    def wait(self, seconds: float) -> None:
        if not self._at:
            signal.raise_signal(self._number)


class TestNetsh:
    def test_stands_in_where_pktmon_is_missing_or_too_old(self, stage: Stage) -> None:
        stage.has("netsh", NETSH)
        assert tracing.tool_of(stage.programs) == tracing.PKTMON
        stage.has("pktmon", '#!/bin/sh\necho "pktmon format"\n')
        assert tracing.tool_of(stage.programs) == tracing.NETSH
        (stage.folder / "pktmon").unlink()
        assert tracing.tool_of(stage.programs) == tracing.NETSH

    def test_leaves_an_etl_file_where_nothing_converts_it(self, stage: Stage) -> None:
        stage.has("netsh", NETSH)
        done = stage.trace(tracing.NETSH)
        assert done.path == str(stage.output.with_suffix(".etl"))
        assert "etl2pcapng" in done.notes[0]
        assert "Ethernet.Address=00-15-5D-00-00-02" in stage.calls[1]
        assert stage.calls[-1] == "netsh trace stop"
        assert stage.is_clean

    def test_is_converted_by_microsofts_own_program(self, stage: Stage) -> None:
        stage.has("netsh", NETSH)
        stage.has("etl2pcapng", '#!/bin/sh\n/bin/cp "$1" "$2"\n')
        assert stage.trace(tracing.NETSH) == (str(stage.output), ())

    def test_begins_nothing_while_another_trace_runs(self, stage: Stage) -> None:
        stage.has("netsh", NETSH)
        (stage.folder / "capture").touch()
        with pytest.raises(TraceFault, match="end it with netsh trace stop"):
            stage.trace(tracing.NETSH)


def test_neither_is_there(no_programs: Path) -> None:
    with pytest.raises(TraceFault, match="neither pktmon nor netsh"):
        tracing.tool_of(tracing.Programs(Surroundings("nt", (str(no_programs),), {})))


class TestTheCommand:
    def test_traces_a_pod(self, shell: Shell, stage: Stage, sandbox: str) -> None:
        typed = shell("trace", sandbox[:12], "--seconds", "0.01", "--output", str(stage.output), "--json")
        assert typed.exit_code == 0, typed.err
        assert typed.json == {"id": str(stage.output), "bytes": 18, "tool": "pktmon"}
        (pod,) = shell.json("pod", "list")
        assert f"pktmon filter add cni-hns -m {pod['endpoints'][0]['mac']}" in stage.calls
        assert "pktmon filter add cni-hns -i 10.88.0.2" in stage.calls

    def test_a_dry_run_runs_nothing_but_looks(self, shell: Shell, stage: Stage, sandbox: str) -> None:
        typed = shell("trace", sandbox, "--dry-run", "--output", str(stage.output))
        assert typed.exit_code == 0
        assert typed.out.splitlines()[0] == "pktmon status"
        assert stage.calls == ["pktmon help"]

    def test_a_dry_run_works_where_no_program_is(self, shell: Shell, no_programs: Path, sandbox: str) -> None:
        typed = shell("trace", sandbox, "--dry-run", "--json")
        assert "pktmon stop" in typed.json
        assert "neither pktmon nor netsh" in typed.err

    def test_an_unknown_pod(self, shell: Shell, stage: Stage, node: SimulatedNode, sandbox: str) -> None:
        typed = shell("trace", "nobody")
        assert (typed.exit_code, 'pod "nobody" not found' in typed.err) == (1, True)

    def test_a_pod_without_an_endpoint(
        self, shell: Shell, stage: Stage, node: SimulatedNode, sandbox: str
    ) -> None:
        (row,) = node.rows()
        node.simulator.remove(row.endpoint_id or "")
        typed = shell("trace", sandbox, "--dry-run", "--json")
        assert typed.json[2] == "pktmon filter add cni-hns -i 10.88.0.2"
