from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from cni_hns.stdio import Outlet, read_stdin, write_stdout


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


class TestReading:
    def test_everything_up_to_the_end_is_read(self, pipe: tuple[int, int]) -> None:
        reading, writing = pipe
        data = os.urandom(300_000)

        def write() -> None:
            left = data
            while left:
                left = left[os.write(writing, left) :]
            os.close(writing)

        writer = threading.Thread(target=write)
        writer.start()
        assert read_stdin(reading, 10**6, 30.0) == data
        writer.join()

    def test_no_more_than_the_limit_is_read_and_the_end_not_waited_for(self, pipe: tuple[int, int]) -> None:
        reading, writing = pipe
        os.write(writing, b"123456789")
        assert read_stdin(reading, 5, 30.0) == b"12345"

    def test_a_pipe_that_is_never_closed_is_given_up(self, pipe: tuple[int, int]) -> None:
        reading, writing = pipe
        os.write(writing, b"1234")
        with pytest.raises(TimeoutError, match=r"not closed within 0\.05 s"):
            read_stdin(reading, 100, 0.05)
        os.close(writing)  # lets the reader go

    def test_a_descriptor_that_is_not_open_is_an_error(self, pipe: tuple[int, int]) -> None:
        reading, _ = pipe
        os.close(reading)
        with pytest.raises(OSError, match="Bad file descriptor"):
            read_stdin(reading, 100, 30.0)


class TestWriting:
    def test_text_goes_out_as_utf_8_and_half_a_surrogate_pair_as_json_escapes_it(
        self, pipe: tuple[int, int]
    ) -> None:
        reading, writing = pipe
        write_stdout(writing, '"é\udcff"')
        assert os.read(reading, 100) == b'"\xc3\xa9\\udcff"'

    def test_what_the_pipe_takes_in_pieces_is_written_to_the_end(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pieces: list[bytes] = []

        def write(_descriptor: int, data: bytes) -> int:
            pieces.append(bytes(data[:3]))
            return len(pieces[-1])

        monkeypatch.setattr(os, "write", write)
        write_stdout(1, "12345678")
        assert pieces == [b"123", b"456", b"78"]

    def test_nothing_is_written_where_there_is_nothing_to_say(self) -> None:
        written: list[str] = []
        assert Outlet(written.append, lambda _code: None).deliver("")
        assert written == []

    def test_only_the_first_is_heard(self) -> None:
        written: list[str] = []
        outlet = Outlet(written.append, lambda _code: None)
        assert outlet.deliver("first")
        assert not outlet.deliver("second")
        assert written == ["first"]

    def test_saying_nothing_counts_as_the_answer(self) -> None:
        written: list[str] = []
        outlet = Outlet(written.append, lambda _code: None)
        outlet.deliver("")
        assert not outlet.deliver("too late")
        assert written == []
