from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cni_hns import log as module
from cni_hns.log import Log, redacted


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cni.log"


def opened(file: Path, level: str = "info", max_bytes: int = 10_000_000, stderr: bool = False) -> Log:
    log = Log(stderr=stderr)
    log.configure(str(file), level, max_bytes)
    return log


class TestLines:
    def test_each_event_is_one_line_of_json_that_says_whose_it_is(self, file: Path) -> None:
        log = opened(file)
        log.bind(verb="ADD", network="net")
        log.event("two\nlines", answer=42)
        (line,) = lines(file)
        assert line["message"] == "two\nlines"
        assert line["answer"] == 42
        assert (line["verb"], line["network"], line["level"]) == ("ADD", "net", "info")
        assert line["request"] == log.request_id
        assert line["pid"] == os.getpid()
        assert line["time"].endswith("Z")

    def test_two_calls_have_two_request_ids(self) -> None:
        assert Log().request_id != Log().request_id

    def test_what_came_before_the_file_was_known_is_written_first(self, file: Path) -> None:
        log = Log(stderr=False)
        log.event("early")
        log.configure(str(file))
        log.event("late")
        assert [line["message"] for line in lines(file)] == ["early", "late"]

    @pytest.mark.parametrize(
        ("level", "expected"),
        [
            ("debug", ["debug", "info", "warning", "error"]),
            ("info", ["info", "warning", "error"]),
            ("warning", ["warning", "error"]),
            ("error", ["error"]),
            ("nonsense", ["info", "warning", "error"]),
        ],
    )
    def test_the_level_decides(self, file: Path, level: str, expected: list[str]) -> None:
        log = opened(file, level)
        for each in ("debug", "info", "warning", "error"):
            log.event(each, each)
        assert [line["message"] for line in lines(file)] == expected

    def test_without_a_file_nothing_is_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        log = Log(stderr=False)
        log.configure(None)
        log.event("nowhere", "error")
        assert list(tmp_path.iterdir()) == []

    def test_fields_that_json_does_not_know_are_written_as_text(self, file: Path) -> None:
        opened(file).event("x", field=file)
        assert lines(file)[0]["field"] == str(file)

    def test_half_a_surrogate_pair_is_written(self, file: Path) -> None:
        opened(file).event("\udcff")
        assert lines(file)[0]["message"] == "\udcff"


class TestNotes:
    def test_a_note_is_one_short_line_on_stderr_and_whole_in_the_file(
        self, file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        opened(file, stderr=True).note("first\nsecond" + "." * 1000)
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("cni-hns: note: first\\nsecond...")
        assert line.endswith("…")
        assert len(line) < 450
        assert lines(file)[0]["level"] == "info"
        assert lines(file)[0]["message"].endswith("." * 1000)

    def test_without_stderr_it_is_in_the_file_only(
        self, file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        opened(file).note("quiet")
        assert capsys.readouterr() == ("", "")
        assert [line["message"] for line in lines(file)] == ["quiet"]


class TestHnsCalls:
    def test_a_call_is_counted_timed_and_named_while_it_lasts(self, file: Path) -> None:
        log = opened(file)
        log.call_begins("HcnOpenEndpoint", "3f2a")
        assert log.current_call == "HcnOpenEndpoint 3f2a"
        log.call_ends(0x803B0002)
        assert (log.current_call, log.calls) == ("", 1)
        (line,) = lines(file)
        assert (line["call"], line["hresult"]) == ("HcnOpenEndpoint 3f2a", "0x803B0002")
        assert line["ms"] >= 0

    def test_a_call_without_a_target(self) -> None:
        log = Log()
        log.call_begins("HcnEnumerateEndpoints")
        assert log.current_call == "HcnEnumerateEndpoints"


class TestChildren:
    def test_one_is_timed_and_named_while_it_runs(self, file: Path) -> None:
        log = opened(file)
        log.child_begins('IPAM plugin "fake" (ADD)')
        assert log.current_child == 'IPAM plugin "fake" (ADD)'
        log.child_ends()
        assert log.current_child == ""
        (line,) = lines(file)
        assert line["child"] == 'IPAM plugin "fake" (ADD)'
        assert line["ms"] >= 0


class TestStderr:
    def test_warnings_and_errors_are_there_too(self, capsys: pytest.CaptureFixture[str]) -> None:
        log = Log()
        for each in ("debug", "info", "warning", "error"):
            log.event(f"a {each}", each)
        assert capsys.readouterr().err == "cni-hns: warning: a warning\ncni-hns: error: a error\n"

    @pytest.mark.parametrize(
        "end", ["\n", "\r", "\x0b", "\x1b[2K", "\x85", "\u2028", "\u202e", "\x7f", "\udcff"]
    )
    def test_whatever_it_quotes_it_is_one_line(self, capsys: pytest.CaptureFixture[str], end: str) -> None:
        Log().event(f"an endpoint called x{end}cni-hns: error: forged", "warning")
        said = capsys.readouterr().err
        assert said.endswith("cni-hns: error: forged\n")
        assert said[:-1].isprintable()

    def test_but_not_what_is_said_elsewhere(self, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        opened(file, stderr=True).event("in the document", "error", on_stderr=False)
        assert capsys.readouterr().err == ""
        assert lines(file)[0]["level"] == "error"

    @pytest.mark.parametrize("stream", [None, "closed"])
    def test_a_process_without_stderr_goes_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: str | None
    ) -> None:
        if stream is None:
            monkeypatch.setattr(sys, "stderr", None)
            Log().event("x", "error")
            return
        with (tmp_path / "x").open("w") as closed:
            monkeypatch.setattr(sys, "stderr", closed)
        Log().event("x", "error")


class TestALogThatCannotBeWritten:
    def test_is_said_once_and_fails_nothing(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        log = opened(tmp_path, stderr=True)
        log.event("first")
        log.event("second")
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 1
        assert f'the log "{tmp_path}" cannot be written' in said[0]

    def test_nor_when_nobody_listens(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        opened(tmp_path).event("first")
        assert capsys.readouterr().err == ""

    def test_nor_when_a_field_cannot_be_said(self, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        endless: list[object] = []
        endless.append(endless)
        log = opened(file, stderr=True)
        log.event("x", field=endless)
        assert "ValueError" in capsys.readouterr().err

    @pytest.mark.skipif(os.name == "nt", reason="Windows has its pipes and devices elsewhere")
    @pytest.mark.parametrize("kind", ["pipe", "pipe that is read", "device", "link to a device", "socket"])
    def test_is_one_that_is_no_regular_file(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
    ) -> None:
        file = tmp_path / "cni.log"
        reader = None
        with socket.socket(socket.AF_UNIX) as listener:
            if kind.startswith("pipe"):
                os.mkfifo(file)
                reader = os.open(file, os.O_RDONLY | os.O_NONBLOCK) if kind.endswith("read") else None
            elif kind == "socket":
                listener.bind(str(file))
            else:
                file = file if kind.startswith("link") else Path("/dev/null")
                if kind != "device":
                    file.symlink_to("/dev/full")
            opened(file, stderr=True).event("lost")
        assert "it is no regular file" in capsys.readouterr().err
        if reader is not None:
            assert os.read(reader, 100) == b""
            os.close(reader)

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no /dev/fd")
    @pytest.mark.parametrize("descriptor", [0, 1])
    def test_nor_one_that_is_stdin_or_stdout_itself(
        self, file: Path, tmp_path: Path, descriptor: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        link = tmp_path / "link"
        link.symlink_to(file)
        kept = os.dup(descriptor)
        taken = os.open(file, os.O_RDWR | os.O_CREAT)
        os.dup2(taken, descriptor)
        try:
            for name in (file, link, Path(f"/dev/fd/{descriptor}")):
                opened(name, stderr=True).event("lost")
        finally:
            os.dup2(kept, descriptor)
            os.close(kept)
            os.close(taken)
        assert file.read_bytes() == b""
        assert capsys.readouterr().err.count("the configuration or the answer is in it") == 3

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes in its folders")
    def test_a_file_that_became_a_pipe_in_between_does_not_hang_either(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        os.mkfifo(file)
        reader = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        regular = os.stat(__file__)
        monkeypatch.setattr(os, "stat", lambda _path: regular)
        with pytest.raises(OSError, match="no regular file"):
            module._opened(str(file))
        os.close(reader)

    def test_is_one_on_a_full_disk(
        self, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def write(_descriptor: int, _data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        log = opened(file, stderr=True)
        monkeypatch.setattr(os, "write", write)
        log.event("first")
        log.event("second")
        assert capsys.readouterr().err.count("cannot be written: No space left on device") == 1

    def test_a_missing_folder_is_made(self, tmp_path: Path) -> None:
        file = tmp_path / "a" / "b" / "cni.log"
        opened(file).event("x")
        assert len(lines(file)) == 1


class TestTurningOver:
    def test_a_full_file_makes_way_and_one_older_is_kept(self, file: Path) -> None:
        log = opened(file, max_bytes=1)
        for message in ("first", "second", "third"):
            log.event(message)
        assert [line["message"] for line in lines(file)] == ["third"]
        older = file.with_name("cni.log.1")
        assert [line["message"] for line in lines(older)] == ["second"]
        assert {one.name for one in file.parent.iterdir()} == {"cni.log", "cni.log.1"}

    def test_both_together_stay_near_twice_the_limit(self, file: Path) -> None:
        log = opened(file, max_bytes=1000)
        for _ in range(100):
            log.event("x" * 50)
        sizes = [one.stat().st_size for one in file.parent.iterdir()]
        assert len(sizes) == 2
        assert sum(sizes) < 2 * (1000 + 300)

    def test_who_comes_second_does_not_turn_over_the_new_file(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another process turned the file over between our first look and our claim."""
        opened(file).event("old")
        looks = iter([True, False])
        monkeypatch.setattr(module, "_is_full", lambda _path, _max: next(looks))
        opened(file).event("new")
        assert [line["message"] for line in lines(file)] == ["old", "new"]

    def test_while_another_process_turns_it_over_lines_go_where_they_went(self, file: Path) -> None:
        claim = file.with_name("cni.log.turning")
        claim.touch()
        log = opened(file, max_bytes=1)
        log.event("first")
        log.event("second")
        assert [line["message"] for line in lines(file)] == ["first", "second"]
        assert claim.exists()

    def test_the_claim_of_a_killed_process_does_not_stay(self, file: Path) -> None:
        claim = file.with_name("cni.log.turning")
        claim.touch()
        os.utime(claim, (0, 0))
        log = opened(file, max_bytes=1)
        for message in ("first", "second", "third"):
            log.event(message)
        assert [line["message"] for line in lines(file)] == ["third"]
        assert not claim.exists()

    def test_a_file_that_cannot_be_renamed_is_written_on(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_source: str, _target: str) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "replace", refuse)
        log = opened(file, max_bytes=1)
        log.event("first")
        log.event("second")
        assert [line["message"] for line in lines(file)] == ["first", "second"]

    def test_parallel_processes_lose_no_line(self, file: Path) -> None:
        """8 writers, 200 lines each, and a limit that is reached once on the way."""
        program = (
            "import sys; from cni_hns.log import Log\n"
            "log = Log()\n"
            "log.configure(sys.argv[1], max_bytes=150_000)\n"
            "for number in range(200): log.event('x', writer=sys.argv[2], number=number)\n"
        )
        writers = [
            subprocess.Popen([sys.executable, "-c", program, str(file), str(writer)]) for writer in range(8)
        ]
        assert [writer.wait() for writer in writers] == [0] * 8
        found = lines(file) + lines(file.with_name("cni.log.1"))
        assert {(line["writer"], line["number"]) for line in found} == {
            (str(writer), number) for writer in range(8) for number in range(200)
        }


def test_what_is_redacted_has_a_name_and_a_length() -> None:
    assert redacted({"token": "hunter2", "more": {"a": 1}}) == {
        "token": "(7 characters)",
        "more": "(8 characters)",
    }
