"""One node of the campaign `tests.cluster.pools`: its pools' keeper, and pods that come and go in its ledger.

    python -m tests.cluster.pools_agent FOLDER NODE KUBECONFIG SEED [POOL ...]

Pods are leases, taken and released as ADD and DEL do, in transactions of their own. It ends with its input.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from cni_hns.cluster.api.access import from_kubeconfig
from cni_hns.cluster.api.client import Api, Resource
from cni_hns.cluster.api.mirror import Mirror, Pauses
from cni_hns.cluster.pools.keeper import Keeper
from cni_hns.cluster.pools.running import Running
from cni_hns.cluster.pools.step import Limits, Outcome
from cni_hns.deadline import Deadline
from cni_hns.dialects.plan import SubnetPlan
from cni_hns.ipam import held, pools
from cni_hns.ipam.errors import RangeExhausted
from cni_hns.ledger import AttachmentKey, Ledger, open_ledger

NETWORK = "pods"
SUBNETS = [SubnetPlan("10.0.0.0/8", None)]
# Blocks are given back fast, and claimed again fast: that is what is tried.
LIMITS = Limits(low=3, idle_s=0.3)
_PAUSES = Pauses(0.5, 3.0)
_MOST_PODS = 10
_LONG_S = 3600.0


def main(folder: str, node: str, kubeconfig: str, seed: str, *names: str) -> None:
    chance = random.Random(f"{seed} {node} {os.getpid()}")  # noqa: S311 - a campaign is to be repeatable
    path = os.path.join(folder, "ledger.db")
    opened = partial(_opened, path)
    stop = threading.Event()
    with ExitStack() as stack:
        api = stack.enter_context(Api(from_kubeconfig(kubeconfig), timeout_s=5.0))
        keeper = Keeper(api, node, NETWORK, names, limits=LIMITS)
        counts = Path(folder, f"counts-{os.getpid()}.json")
        # Nobody waits for Nodes here: a step comes soon enough.
        nodes = Mirror(api, Resource("v1", "nodes"), lambda: None, pauses=_PAUSES)
        running = Running(api, keeper, nodes, opened, partial(_told, keeper, counts), pauses=_PAUSES)
        for one in (nodes, running):
            stack.callback(one.stop)
            one.start()
        threading.Thread(target=_wait_for_the_end, args=(stop,), daemon=True).start()
        ledger = stack.enter_context(closing(open_ledger(path, Deadline(_LONG_S))))
        pods = _Pods(ledger, chance, names)
        while not stop.wait(chance.uniform(0.01, 0.05)):
            pods.come_or_go()
        pods.go()


class _Pods:
    """They become many and few, in waves."""

    def __init__(self, ledger: Ledger, chance: random.Random, names: tuple[str, ...]) -> None:
        self._ledger = ledger
        self._chance = chance
        self._names = names
        self._wanted = 0

    def come_or_go(self) -> None:
        """One pod."""
        leases = self._ledger.leases()
        if len(leases) == self._wanted:
            self._wanted = self._chance.randint(0, _MOST_PODS) if self._names else 0
        if len(leases) > self._wanted:
            held.release(self._ledger, self._chance.choice(leases).key)
        elif len(leases) < self._wanted and not self._added():
            self._wanted = len(leases)

    def go(self) -> None:
        """All of them."""
        for lease in self._ledger.leases():
            held.release(self._ledger, lease.key)

    def _added(self) -> bool:
        key = AttachmentKey(NETWORK, f"{os.getpid()}-{self._chance.getrandbits(64):x}", "eth0")
        try:
            return bool(pools.allocate(self._ledger, key, self._names, SUBNETS))
        except RangeExhausted:
            return False


def _opened(path: str) -> Ledger:
    return open_ledger(path, Deadline(60))


def _wait_for_the_end(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def _told(keeper: Keeper, counts: Path, outcome: Outcome) -> None:
    draft = counts.with_suffix(".new")
    draft.write_text(json.dumps(keeper.claims.counts))
    draft.replace(counts)
    for one in outcome.troubles:
        if one.reason not in ("PoolFull", "PoolMissing"):
            print(f"{one.reason}: {one.message}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
