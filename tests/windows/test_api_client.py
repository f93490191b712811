"""The API client in a Windows CPython: sockets, TLS and the threads that wait for them differ there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.lane import Lane

ROOT = Path(__file__).parent.parent.parent
API = "tests/unit/cluster/api"
# What of its own tests is about waiting, files and certificates.
WITH_WINDOWS = [
    f"{API}/test_stream.py",
    f"{API}/test_mirror.py::test_stop_waits_for_no_timeout",
    f"{API}/test_client.py::TestConnections",
    f"{API}/test_client.py::TestTheServersCertificate",
    f"{API}/test_access.py::TestInCluster",
    f"{API}/test_access.py::TestKubeconfig::test_nothing_of_a_key_stays_on_the_disk",
]


@pytest.mark.timeout(300)
def test_it_waits_and_is_woken_as_on_linux(lane: Lane, wine: None, tmp_path: Path) -> None:
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--timeout", "60"]
    done = subprocess.run(
        lane.launch_command(lane.python, *command, *WITH_WINDOWS),
        cwd=ROOT,
        env=lane.launch_environment(
            {
                "PYTHONPATH": lane.windows_path(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
                "TEMP": lane.windows_path(tmp_path),
            }
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=280,
        check=False,
    )
    said = done.stdout.decode(errors="replace")
    assert done.returncode == 0, said
    assert " passed" in said
