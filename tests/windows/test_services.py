"""A service of ours in Wine's service manager: made, changed, started, stopped and deleted."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path

from tests.lane import Lane

_SCRIPT = Path(__file__).parent / "service_script.py"


def _run(lane: Lane, *words: str) -> list[str]:
    command = lane.wine_command(lane.python, lane.windows_path(_SCRIPT), *words)
    environment = lane.wine_environment({"PYTHONDONTWRITEBYTECODE": "1"})
    done = subprocess.run(command, env=environment, stdin=-3, stdout=-1, stderr=-2, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


def test_a_service_is_told_to_end_and_says_that_it_has(lane: Lane, wine: None, tmp_path: Path) -> None:
    name, told = f"cni-hns-{uuid.uuid4().hex[:8]}", tmp_path / "told"
    assert _run(lane, "manage", name, lane.windows_path(told)) == [
        "missing None",
        "stopped True",
        "running",
        "stopped",
        "missing",
        f'service "{name}": OpenService failed (Win32 error 1060: no such service)',
    ]
    assert told.read_text().split() == ["began", "ended"]


def test_a_service_that_is_started_by_hand_says_who_starts_it(lane: Lane, wine: None, tmp_path: Path) -> None:
    (line,) = _run(lane, "by-hand", "cni-hns-none", lane.windows_path(tmp_path / "told"))
    assert "Start-Service cni-hns-none" in line
    assert not (tmp_path / "told").exists()
