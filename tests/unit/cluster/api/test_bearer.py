"""Tokens in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from cni_hns.cluster.api.bearer import Bearer
from cni_hns.cluster.api.credentials import Access, Secret
from cni_hns.cluster.api.faults import Unauthorized


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("one\n")
    return path


def test_a_file_is_read_again_after_a_minute(file: Path, clock: Clock) -> None:
    bearer = Bearer(Access("", token_file=str(file)), clock)
    assert bearer.token() == "one"
    file.write_text("two")
    clock.now_s = 59.0
    assert bearer.token() == "one"
    clock.now_s = 60.0
    assert bearer.token() == "two"


def test_a_file_that_is_just_replaced_leaves_the_older_token(file: Path, clock: Clock) -> None:
    bearer = Bearer(Access("", token_file=str(file)), clock)
    bearer.token()
    file.unlink()
    clock.now_s = 60.0
    assert bearer.token() == "one"
    assert not bearer.has_another("one")


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "it is empty"), (b"two words", "no token"), (b"\xff", "no token"), (b"x" * 70_000, "no token")],
)
def test_a_file_without_a_token_says_why_and_shows_nothing(
    file: Path, clock: Clock, content: bytes, why: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(Unauthorized, match=why) as caught:
        Bearer(Access("", token_file=str(file)), clock).token()
    assert "two words" not in str(caught.value)


def test_a_token_that_stays_has_no_other(clock: Clock) -> None:
    bearer = Bearer(Access("", token=Secret("t")), clock)
    assert (bearer.token(), bearer.has_another("t")) == ("t", False)
