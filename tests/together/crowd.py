"""The crowd: each worker drives one process at a time, of a pod that is its own or of one that all share.

What must hold of a worker's own pod is exact: what an ADD answered is there at each CHECK until the DEL,
whatever kills, faults and GCs there are around it. Of a shared pod only the codes that may come are known.
"""

from __future__ import annotations

import json
import random
import subprocess
import threading
import time
from pathlib import Path

from tests.harness import Answer, SimulatedNode
from tests.together.runtime import NETWORKS, TIMEOUT_S, Pod, Runtime
from tests.together.tally import Tally
from tests.together.watcher import Watcher

__all__ = ["crowd"]

# A process that has not answered so long after its deadline hangs; it may have had to wait to be started.
_GRACE_S = 30.0

_TRY_AGAIN = 11
_NO_POD = frozenset({3, 7, 104})
"""What a CHECK may say of a pod that another worker deletes at this moment."""
_OF_FAULTS = frozenset({50, 100, 105})
"""What a verb answers when a call of HNS fails."""

_PODS_OF_A_WORKER = 3
_SHARED = 4
_E_FAIL = 0x80004005


def crowd(folder: Path, processes: int, seconds: float, seed: int) -> Tally:
    """So many processes at once for so many seconds; at the end everything is deleted. What came of it."""
    # HNS lets two endpoints have one address: only the program's own care keeps them apart.
    node = SimulatedNode(folder, duplicate_address_hresult=0)
    scene = _Scene(node, Runtime(node), time.monotonic() + seconds)
    watcher = Watcher(node, scene.tally)
    watcher.start()
    workers = [_Worker(scene, random.Random(f"{seed}/{number}")) for number in range(processes)]  # noqa: S311
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    scene.hold_against_the_faults()
    scene.delete_all([pod for worker in workers for pod in worker.pods])
    watcher.stop()
    scene.look_for_what_is_left()
    node.close()
    return scene.tally


class _Scene:
    """What all workers share."""

    def __init__(self, node: SimulatedNode, runtime: Runtime, ends_at: float) -> None:
        self.node = node
        self.runtime = runtime
        self.tally = Tally()
        self.ends_at = ends_at
        self.shared = [runtime.pod(NETWORKS[number % 2]) for number in range(_SHARED)]
        for pod in self.shared:
            runtime.always_list(pod)
        self.faults: list[int] = []

    def inject(self, chance: random.Random) -> None:
        """One of the next calls of anybody fails, or kills its process."""
        nth, after = chance.randint(1, 12), chance.random() < 0.5
        if chance.random() < 0.5:
            self.node.simulator.inject(function="*", nth=nth, die="after" if after else "before")
        else:
            fault = self.node.simulator.inject(function="*", nth=nth, hresult=_E_FAIL, took_effect=after)
            self.faults.append(fault)

    def hold_against_the_faults(self) -> None:
        """One call that fails spoils one verb and no more."""
        fired = sum(map(self.node.simulator.fired, self.faults))
        answered = self.tally.count_errors(_OF_FAULTS)
        if answered > fired:
            self.tally.failure(f"{fired} calls were made to fail, {answered} verbs said so")
        self.node.simulator.clear_faults()

    def delete_all(self, pods: list[Pod]) -> None:
        """A DEL of each pod, then GC with an empty list."""
        for words in self.runtime.delete_all([*pods, *self.shared]):
            self.tally.failure(f"at the end: {words}")

    def look_for_what_is_left(self) -> None:
        """Nothing may be; but of a killed ADD that may still arrive, row, address and file are set aside.

        After a boot nothing can arrive any more, and one GC takes these too.
        """
        aside = {lease.address for lease in self.node.leases(all_of_them=True) if lease.state == "entombed"}
        self._fail("left at the end", self._left("tombstone", aside))
        self.node.simulator.reboot()
        for words in self.runtime.collect_all():
            self.tally.failure(f"after a boot: {words}")
        self._fail("left after a boot", self._left("", set()))

    def _left(self, phase_set_aside: str, addresses_set_aside: set[str]) -> list[str]:
        node = self.node
        left = [f"endpoint {view.name} ({view.id})" for view in node.endpoints()]
        left += [
            f"{row.key.words()}, phase {row.phase}" for row in node.rows() if row.phase != phase_set_aside
        ]
        left += [
            f"lease {lease.address}, {lease.state}, of {lease.key.words()}"
            for lease in node.leases(all_of_them=True)
            if lease.address not in addresses_set_aside
        ]
        left += [f"member {one} of a namespace" for one in self._members()]
        left += [
            f"reservation {file.name}"
            for file in _reservations(node.folder)
            if file.name not in addresses_set_aside
        ]
        left += [f"{leak.kind} {leak.text} of process {leak.pid}" for leak in node.simulator.leaks()]
        return left

    def _members(self) -> list[str]:
        """Endpoints in the namespaces of the pods that all share."""
        there = set(self.node.hcn.namespaces.ids())
        return [
            one
            for pod in self.shared
            if pod.namespace in there
            for one in self.node.in_namespace(pod.namespace)
        ]

    def _fail(self, when: str, left: list[str]) -> None:
        for words in left:
            self.tally.failure(f"{when}: {words}")


class _Worker:
    """One process at a time until the time is up."""

    def __init__(self, scene: _Scene, chance: random.Random) -> None:
        self._scene = scene
        self._runtime = scene.runtime
        self._tally = scene.tally
        self._chance = chance
        self.pods: list[Pod] = []
        self._unsure: set[Pod] = set()

    def run(self) -> None:
        try:
            while time.monotonic() < self._scene.ends_at:
                self._step()
        except BaseException as fault:
            self._tally.failure(f"a worker ended: {type(fault).__name__}: {fault}")
            raise

    def _step(self) -> None:
        if self._chance.random() < 0.08:
            self._scene.inject(self._chance)
        kind = self._chance.random()
        if kind < 0.07:
            self._plain("GC", self._runtime.collect(self._network()))
        elif kind < 0.14:
            self._plain("STATUS", self._runtime.status(self._network()))
        elif kind < 0.35:
            self._of_a_shared_pod(self._chance.choice(self._scene.shared))
        else:
            self._of_my_own_pod()

    def _network(self) -> str:
        return self._chance.choice(NETWORKS)

    def _plain(self, command: str, process: subprocess.Popen[bytes]) -> None:
        self._expect(command, self._answer(command, process), frozenset({_TRY_AGAIN}))

    def _of_a_shared_pod(self, pod: Pod) -> None:
        command = self._chance.choice(["ADD", "ADD", "DEL", "CHECK"])
        start = {"ADD": self._runtime.add, "DEL": self._runtime.delete, "CHECK": self._runtime.check}[command]
        answer = self._answer(command, start(pod))
        if command == "ADD" and answer is not None and answer.exit_code == 0:
            pod.result = answer.document
        self._expect(
            command, answer, frozenset({_TRY_AGAIN}) | (_NO_POD if command == "CHECK" else frozenset())
        )

    def _of_my_own_pod(self) -> None:
        if len(self.pods) < _PODS_OF_A_WORKER:
            self.pods.append(self._new_pod())
        pod = self._chance.choice(self.pods)
        if pod in self._unsure:
            self._delete(pod)
        elif pod.result is None:
            self._add(pod)
        else:
            self._chance.choice([self._check, self._check, self._add_again, self._delete, self._delete])(pod)

    def _new_pod(self) -> Pod:
        """A pod of its own, or another interface of one that the worker has already."""
        alone = [pod for pod in self.pods if self._shares_with_none(pod)]
        if alone and self._chance.random() < 0.4:
            return self._chance.choice(alone).other_interface()
        return self._runtime.pod(self._network(), self._chance.choice(["eth0", "net1"]))

    def _shares_with_none(self, pod: Pod) -> bool:
        return all(other is pod or other.namespace != pod.namespace for other in self.pods)

    def _add(self, pod: Pod) -> None:
        answer = self._answer("ADD", self._runtime.add(pod))
        if answer is not None and answer.exit_code == 0:
            self._runtime.added(pod, answer.document)
        else:
            self._unsure.add(pod)
        self._runtime.add_has_ended(pod)
        self._expect("ADD", answer, frozenset({_TRY_AGAIN}), pod)

    def _add_again(self, pod: Pod) -> None:
        answer = self._answer("ADD", self._runtime.add(pod))
        self._runtime.add_has_ended(pod)
        self._expect("ADD", answer, frozenset(), pod)
        if answer is not None and answer.exit_code == 0 and answer.document != pod.result:
            self._tally.failure(
                f"a repeated ADD of {pod} answers {json.dumps(answer.document)}, not {json.dumps(pod.result)}"
            )

    def _check(self, pod: Pod) -> None:
        self._expect("CHECK", self._answer("CHECK", self._runtime.check(pod)), frozenset(), pod)

    def _delete(self, pod: Pod) -> None:
        self._unsure.add(pod)
        answer = self._answer("DEL", self._runtime.delete(pod))
        self._expect("DEL", answer, frozenset(), pod)
        if answer is None or answer.exit_code:
            return
        self._unsure.discard(pod)
        self._runtime.deleted(pod)
        if self._chance.random() < 0.5 and self._shares_with_none(pod):
            self.pods.remove(pod)
            self._runtime.forget(pod)

    def _expect(
        self, command: str, answer: Answer | None, allowed: frozenset[int], pod: Pod | None = None
    ) -> None:
        """Success, one of the codes that are no fault here, or what an injected failure comes to."""
        if answer is None or answer.exit_code == 0:
            return
        code = answer.document.get("code", 0)
        self._tally.error(command, code)
        if code not in allowed | _OF_FAULTS:
            self._tally.failure(f"{command} of {pod or 'what is shared'} answers {code}: {answer.words}")

    def _answer(self, command: str, process: subprocess.Popen[bytes]) -> Answer | None:
        """What the process answers; None where it was killed, by us or in a call of HNS."""
        self._tally.verb(command)
        if self._chance.random() < 0.1:
            _kill_later(process, self._chance.uniform(0.0, 1.0))
        answer = _answer(process)
        if answer is None:
            self._tally.failure(f"{command} has not answered {_GRACE_S:.0f} s after its deadline")
        elif answer.killed:
            self._tally.kill(command)
            return None
        elif answer.exit_code and "code" not in answer.document:
            self._tally.failure(f"{command} ended with {answer.exit_code} and printed {answer.stdout!r}")
        return answer


def _kill_later(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()


def _answer(process: subprocess.Popen[bytes]) -> Answer | None:
    """What it printed and how it ended; None, and it is killed, where it does not end."""
    try:
        stdout, _ = process.communicate(timeout=TIMEOUT_S + _GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    text = stdout.decode()
    return Answer(json.loads(text) if text else {}, process.returncode, text)


def _reservations(folder: Path) -> list[Path]:
    """host-local's files, without its own bookkeeping."""
    own = ("last_reserved_ip", "lock")
    return [file for file in folder.glob("host-local/*/*") if not file.name.startswith(own)]
