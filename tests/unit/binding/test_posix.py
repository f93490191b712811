"""The machine where there is no HNS."""

from __future__ import annotations

import pytest

from cni_hns.binding import posix
from cni_hns.binding.posix import PosixMachine


@pytest.mark.parametrize(
    ("state_home", "folder"),
    [
        pytest.param("/var/state", "/var/state/cni-hns", id="the variable"),
        pytest.param("", "/home/op/.local/state/cni-hns", id="no variable"),
        pytest.param("relative", "/home/op/.local/state/cni-hns", id="a relative path is ignored"),
    ],
)
def test_the_state_folder(monkeypatch: pytest.MonkeyPatch, state_home: str, folder: str) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", state_home)
    monkeypatch.setenv("HOME", "/home/op")
    assert PosixMachine().state_folder() == folder


def test_a_boot_has_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PosixMachine().boot_id() == PosixMachine().boot_id()
    monkeypatch.setattr(posix, "_BOOT_ID", "/nowhere/boot_id")
    assert PosixMachine().boot_id() == ""


def test_no_hns_ever_started() -> None:
    assert PosixMachine().hns_start() == ""
