"""Many processes, one file: nobody fails, nobody shares; who is killed leaves the old state or the new."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cni_hns.deadline import Deadline
from cni_hns.ledger import open_ledger

ADDING = """
import sys, time
from cni_hns.binding.processes import Owner
from cni_hns.deadline import Deadline
from cni_hns.identity import endpoint_id
from cni_hns.ipam.allocate import allocate
from cni_hns.ledger import AttachmentKey, open_ledger
from tests.unit.ipam.shorthand import Span

path, name = sys.argv[1:]
sys.stdin.read()  # all begin together, when the pipe that all have is closed
ledger = open_ledger(path, Deadline(90))
key = AttachmentKey("net", name, "eth0")
with ledger.transaction():
    claim = ledger.claim(
        key, "adding", fingerprint=None, namespace_id=None, owner=Owner(1, "", ""), token=name,
        deadline_at=time.time() + 100, alive=lambda owner: True,
    )
    (one,) = allocate(ledger, key, [[Span("10.0.0.0/24", "10.0.0.1", "10.0.0.254", "10.0.0.1")]])
assert claim.kind == "new"
assert ledger.record(key, name, endpoint_id=endpoint_id(*key))
assert ledger.make_ready(key, name, one.address)
ledger.close()
print(one.address)
"""


def test_64_processes_get_64_addresses_from_a_file_that_was_not_there(tmp_path: Path) -> None:
    path = str(tmp_path / "state" / "ledger.db")
    reading, writing = os.pipe()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ADDING, path, f"pod{number}"],
            stdin=reading,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(64)
    ]
    os.close(reading)
    os.close(writing)
    answers = [process.communicate() for process in processes]
    assert [fault for _, fault in answers if fault] == []
    addresses = {output.strip() for output, _ in answers}
    assert len(addresses) == 64
    ledger = open_ledger(path, Deadline(20))
    assert {lease.address for lease in ledger.leases()} == addresses
    assert {row.phase for row in ledger.attachments()} == {"ready"}
    ledger.close()
    assert os.listdir(tmp_path / "state") == ["ledger.db"]


KILLED = """
import os, signal, sys
from cni_hns.deadline import Deadline
from cni_hns.ledger import open_ledger
from tests.unit.ledger.shorthand import lease

path, steps = sys.argv[1], int(sys.argv[2])
ledger = open_ledger(path, Deadline(20))

def die_later():
    global steps
    steps -= 1
    if steps == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0

ledger._connection.set_progress_handler(die_later, 1)
with ledger.transaction():
    ledger.free("net", ledger_address := int.from_bytes(bytes([255, 255, 10, 0, 0, 1])))
    ledger.hold(lease(ledger_address + 1))
    ledger.keep_fact("new", True)
ledger._connection.set_progress_handler(None, 0)
print("done", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_process_leaves_the_old_state_or_the_new(tmp_path: Path) -> None:
    """Killed at ever later instructions of its transaction, until it gets through it (and is killed then)."""
    from tests.unit.ledger.shorthand import lease

    steps, seen = 1, []
    while True:
        path = str(tmp_path / str(steps) / "ledger.db")
        ledger = open_ledger(path, Deadline(20))
        ledger.hold(lease("10.0.0.1"))
        ledger.close()
        ended = subprocess.run(
            [sys.executable, "-c", KILLED, path, str(steps)], capture_output=True, text=True, check=False
        )
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        ledger = open_ledger(path, Deadline(20))
        addresses = [one.address for one in ledger.leases()]
        state = (addresses, ledger.fact("new"))
        (sound,) = ledger._connection.execute("PRAGMA integrity_check").fetchone()
        ledger.close()
        assert sound == "ok"
        assert state in [(["10.0.0.1"], None), (["10.0.0.2"], True)]
        seen.append(state)
        if ended.stdout:
            break
        steps += 25
    assert seen[0] == (["10.0.0.1"], None)
    assert seen[-1] == (["10.0.0.2"], True)
    assert len(seen) > 5


HOLDING = """
import sys
from cni_hns.deadline import Deadline
from cni_hns.ledger import open_ledger

ledger = open_ledger(sys.argv[1], Deadline(20))
with ledger.transaction():
    ledger.keep_fact("half", "done")
    print("inside", flush=True)
    sys.stdin.read()
"""


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.db")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDING, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == "inside\n"
    holder.kill()
    holder.wait()
    holder.stdout.close()
    holder.stdin.close()
    ledger = open_ledger(path, Deadline(0))
    with ledger.transaction():
        assert ledger.fact("half") is None
    ledger.close()
