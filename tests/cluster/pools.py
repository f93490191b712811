"""Two nodes never hold one block, whatever is killed:

    python -m tests.cluster.pools --agents 16 --seconds 60 --seed 1

So many processes claim blocks of a pool that has few, and give them back, at once, while the API server and
they themselves are killed and started again. All the while every ledger is held against all others and the
objects of the API; at the end every block is given back. Prints what happened; ends with 1 on a violation.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import yaml

from cni_hns.cluster.pools.blocks import BLOCKS, POOLS, BlockObject
from cni_hns.deadline import Deadline
from cni_hns.ledger import Lease, open_ledger
from cni_hns.ledger.blocks import Block, Blocks
from tests.cluster import objects
from tests.cluster.admin import Admin
from tests.cluster.control_plane import ControlPlane
from tests.cluster.waiting import until
from tests.lane import Lane

__all__ = ["CRDS", "Campaign", "Report", "document", "install_crds"]

CRDS = Path(__file__).parents[2] / "conf" / "kubernetes" / "crds"

_POOL = "blue"
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
# Behind the servers, which have to come back beside them.
_ENDS_WITH_US = ("nice", "-n", "10", "setpriv", "--pdeathsig", "KILL")
_TRIES = 4
# There is trouble only once there is something that may be lost.
_AT_FIRST, _FIRST_CLAIMS_S = 4, 120.0
_GRACE_S = 120.0


class Ledgers(NamedTuple):
    """What the ledger of one node has."""

    blocks: list[Block]
    leases: list[Lease]

    @classmethod
    def of(cls, folder: Path) -> Ledgers:
        ledger = open_ledger(str(folder / "ledger.db"), Deadline(60), create=False)
        if ledger is None:
            return cls([], [])
        with closing(ledger):
            return cls([one for one in Blocks(ledger).all() if one.state == "held"], ledger.leases())

    def both(self, other: Ledgers) -> Ledgers:
        """What was there before and after, and so in between."""
        return Ledgers(
            [one for one in self.blocks if one in other.blocks],
            [one for one in self.leases if one in other.leases],
        )


class Report(NamedTuple):
    """What happened; `violations` in words, none of which may be."""

    counts: Counter[str]
    violations: list[str]


def install_crds(admin: Admin) -> None:
    """Both definitions, served when this returns. Those of before were deleted, and may be going still."""
    for resource in (POOLS, BLOCKS):
        definition = yaml.safe_load((CRDS / f"{resource.plural}.yaml").read_text())
        place = f"{_DEFINITIONS}/{definition['metadata']['name']}"
        until(f"{place} is gone", lambda place=place: not admin.has(place))  # type: ignore[misc]
        admin.create(_DEFINITIONS, definition)
    for resource in (POOLS, BLOCKS):
        until(f"{resource.plural} are served", partial(admin.get, resource.path))
        # Definitions that were deleted all at once may have left theirs.
        admin.delete_all(resource.path)


class Campaign:
    """The agents of one control plane. Start and stop the API server from the main thread."""

    def __init__(self, plane: ControlPlane, folder: Path, agents: int, seed: int) -> None:
        self._plane = plane
        self._chance = random.Random(seed)  # noqa: S311 - a campaign is to be repeatable
        self._seed = seed
        self._folders = {f"node-{number:02}": folder / f"node-{number:02}" for number in range(agents)}
        self._kubeconfig = plane.kubeconfig("agents.kubeconfig")
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._counts: Counter[str] = Counter()
        self._violations: dict[str, None] = {}

    def run(self, seconds: float) -> Report:
        """Let them work for so long, then end in order, and look whether every block came back."""
        admin = self._plane.admin()
        install_crds(admin)
        for name in self._folders:
            admin.create(objects.NODES, objects.node(name, "192.0.2.1"))
        # Four addresses each: for most nodes two, not enough for all that want one more.
        blocks = max(8, len(self._folders) * 2)
        cidr = f"10.9.0.0/{30 - (blocks - 1).bit_length()}"
        admin.create(POOLS.path, document("IPPool", _POOL, {"cidrs": [cidr], "blockSize": 30}))
        try:
            with self._watched():
                for name in self._folders:
                    self._start(name, _POOL)
                until("the first claims", lambda: len(admin.items(BLOCKS.path)) >= _AT_FIRST, _FIRST_CLAIMS_S)
                self._make_trouble(time.monotonic() + seconds)
                self._end_in_order(_POOL)
            with self._watched():
                self._give_all_back(admin)
        finally:
            for process in self._processes.values():
                process.kill()
                process.communicate()
        for folder in self._folders.values():
            for file in folder.glob("counts-*.json"):
                self._counts.update(json.loads(file.read_text()))
            said = (folder / "said").read_text()
            self._violations |= {f"{folder.name} said: {line}": None for line in said.splitlines()}
        return Report(self._counts, list(self._violations))

    def _start(self, name: str, *pools: str) -> None:
        folder = self._folders[name]
        folder.mkdir(exist_ok=True)
        arguments = [str(folder), name, str(self._kubeconfig), str(self._seed), *pools]
        with (folder / "said").open("ab") as said:
            self._processes[name] = subprocess.Popen(
                [*_ENDS_WITH_US, sys.executable, "-m", "tests.cluster.pools_agent", *arguments],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
            )

    def _make_trouble(self, until_s: float) -> None:
        """Kill agents now and then, and the API server for some seconds."""
        chance = self._chance
        api_at_s = time.monotonic() + chance.uniform(3, 6)
        while (now_s := time.monotonic()) < until_s:
            time.sleep(chance.uniform(0.5, 2))
            victim = chance.choice(list(self._folders))
            self._kill(victim)
            self._counts["kills of agents"] += 1
            if now_s >= api_at_s:
                self._plane.stop_api()
                self._counts["kills of the API server"] += 1
                time.sleep(chance.uniform(0.5, 3))
                self._start(victim, _POOL)
                self._start_api()
                api_at_s = time.monotonic() + chance.uniform(4, 10)
            else:
                self._start(victim, _POOL)

    def _start_api(self) -> None:
        """On a busy machine it takes longer than a test would wait."""
        for _ in range(_TRIES):
            with contextlib.suppress(AssertionError):
                self._plane.start_api()
                return
        self._plane.start_api()

    def _kill(self, name: str) -> None:
        process = self._processes[name]
        process.send_signal(signal.SIGKILL)
        process.communicate()

    def _end_in_order(self, *pools: str) -> None:
        for process in self._processes.values():
            assert process.stdin is not None
            process.stdin.close()
            process.stdin = None
        for name, process in self._processes.items():
            process.communicate(timeout=_GRACE_S)
            if process.returncode != 0:
                self._violations[f"the agent of {name} ended with {process.returncode}"] = None

    def _give_all_back(self, admin: Admin) -> None:
        """The agents run once more, for no pool: all that their nodes have is to go."""
        for name in self._folders:
            self._start(name)
        try:
            until("every block is given back", lambda: not admin.items(BLOCKS.path), _GRACE_S)
        except AssertionError:
            left = [one["metadata"]["name"] for one in admin.items(BLOCKS.path)]
            self._violations[f"blocks are lost: {', '.join(left)}"] = None
        self._end_in_order()
        for name, folder in self._folders.items():
            blocks = Ledgers.of(folder).blocks
            if blocks:
                self._violations[f"the ledger of {name} has blocks that the API has not: {blocks}"] = None

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Look all the while, in a thread of its own."""
        over = threading.Event()
        faults: list[BaseException] = []

        def watch() -> None:
            try:
                while not over.is_set():
                    self._look()
            except BaseException as fault:
                faults.append(fault)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        if faults:
            raise faults[0]

    def _look(self) -> None:
        """What a ledger has before and after the others and the API were read, it had while they were."""
        before = {name: Ledgers.of(folder) for name, folder in self._folders.items()}
        try:
            documents = self._plane.admin().items(BLOCKS.path)
        except (OSError, ValueError):
            documents = None
        except AssertionError:
            documents = None  # the API server was up by half
        between = {name: Ledgers.of(folder) for name, folder in self._folders.items()}
        kept = {name: before[name].both(between[name]) for name in self._folders}
        self._counts["looks"] += 1
        self._compare(kept)
        if documents is not None:
            self._counts["looks at the API, too"] += 1
            self._hold_against(kept, [one for one in map(BlockObject.of, documents) if one is not None])

    def _compare(self, kept: dict[str, Ledgers]) -> None:
        blocks: dict[str, str] = {}
        addresses: dict[str, str] = {}
        for name, ledger in kept.items():
            for block in ledger.blocks:
                other = blocks.setdefault(block.prefix, name)
                if other != name:
                    self._violations[f"{name} and {other} hold {block.prefix} at the same time"] = None
            for lease in ledger.leases:
                other = addresses.setdefault(lease.address, name)
                if other != name:
                    self._violations[f"{name} and {other} have a pod with {lease.address} each"] = None

    def _hold_against(self, kept: dict[str, Ledgers], objects_: list[BlockObject]) -> None:
        owners = {str(one.prefix): one.node for one in objects_}
        for name, ledger in kept.items():
            for block in ledger.blocks:
                owner = owners.get(block.prefix)
                if owner != name:
                    words = (
                        f"{name} gives addresses of {block.prefix}, which is {owner or 'nobody'}'s in the API"
                    )
                    self._violations[words] = None


def document(kind: str, name: str, spec: dict[str, object]) -> dict[str, object]:
    return {"apiVersion": BLOCKS.group_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.pools")
    parser.add_argument("--agents", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        plane = stack.enter_context(ControlPlane(folder / "plane", Lane.here()))
        report = Campaign(plane, folder, asked.agents, asked.seed).run(asked.seconds)
    for what, number in sorted(report.counts.items()):
        print(f"{what:24} {number:8}")
    for violation in report.violations:
        print(f"VIOLATION: {violation}")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
