"""One case from beginning to end: the node, the verb that something befalls, the recovery, the judgement."""

from __future__ import annotations

import io
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, NamedTuple

from cni_hns.simulator import Simulator
from cni_hns.simulator.core.journal import Call
from tests.harness import KILLED_ON_WINDOWS, Answer, SimulatedNode
from tests.matrix import oracle
from tests.matrix.cases import Case
from tests.matrix.faults import ADDRESS_REFUSED, BROKEN_OFF, Point, Way
from tests.matrix.node import NETWORK, Pod, Site, Template, opened, valid_list
from tests.matrix.oracle import Snapshot, snapshot
from tests.matrix.process import Ended, run_verb, wait_for_orphans
from tests.matrix.scenes import HASTY_S, SCENES
from tests.packaging import IN_PROCESS, choose, current

__all__ = ["DETAIL", "ON_THE_NODE", "Outcome", "Trial", "Trials"]

# In a fault's text, between its kind and the words of one case.
DETAIL = " | "

# The verb whose node shows what an attachment has in a scene.
_USUAL = "ADD known network"

_NEVER = 10**6
_SOON = 3
_HUNG_S = 120
_ORPHANS_S = 1.0
# These change the node whatever the verb does.
_OF_THE_WORLD = ("vanish", "restart", "reboot")
# HNS may not have said whether it does the call.
_UNSEEN = ("late", "fail", "restart")
_DETACHING = ("HcnModifyNamespace", "HcsModifyComputeSystem")
_LOOK_AGAIN_S = 0.01
ON_THE_NODE = ("hns", "closing")


class Outcome(NamedTuple):
    """What came of a case: `reached` is whether the fault happened, `faults` what is wrong at the end."""

    case: Case
    reached: bool
    faults: list[str]


class Trials:
    """The cases of one worker, below one folder."""

    def __init__(self, root: Path, packaging: str = IN_PROCESS) -> None:
        self._root = root
        self._packaging = packaging
        self._templates: dict[tuple[str, str], Template] = {}
        self._states: dict[tuple[str, str], Snapshot] = {}

    def site(self, scene: str) -> Site:
        return Site(self._root, SCENES[scene])

    def template(self, scene: str, verb: str) -> Template:
        """The node for this verb, made when it is first needed."""
        if (scene, verb) not in self._templates:
            self._templates[scene, verb] = self.site(scene).make(verb)
        return self._templates[scene, verb]

    def state(self, scene: str, verb: str) -> Snapshot:
        """What is on that node."""
        if (scene, verb) not in self._states:
            template, reservations = self.template(scene, verb), SCENES[scene].reservations
            with opened(template.folder) as node:
                folder = template.folder / reservations if reservations else None
                self._states[scene, verb] = snapshot(node, folder)
        return self._states[scene, verb]

    def points(self, scene: str, verb: str) -> list[Point]:
        """All the steps of the undisturbed verb."""
        return _Dry(self.site(scene), self.template(scene, verb), verb).points()

    def run(self, case: Case) -> Outcome:
        """Try one case."""
        trial = self.trial(case)
        choose(self._packaging)
        try:
            return trial.outcome()
        finally:
            choose(IN_PROCESS)

    def trial(self, case: Case) -> Trial:
        """The case, ready to be tried."""
        template = self.template(case.scene, case.verb)
        usual = self.template(case.scene, _USUAL), self.state(case.scene, _USUAL)
        with_files = usual[1].has_files(usual[0].others)
        kind = Trial if self._packaging == IN_PROCESS else _PackagedTrial
        return kind(self.site(case.scene), template, case, self.state(case.scene, case.verb), with_files)


class _Dry:
    """The verb, without anything that befalls it."""

    def __init__(self, site: Site, template: Template, verb: str) -> None:
        self.site = site
        self.template = template
        self.verb = verb
        self.command = verb.partition(" ")[0]
        self.subject = template.subject
        self.reservations = site.folder / site.scene.reservations if site.scene.reservations else None
        self.valid = [pod for pod in template.others if pod.network == NETWORK]

    def points(self) -> list[Point]:
        self.site.restore(self.template)
        ended = self.verb_process(None, None)
        assert ended.exit_code == 0, (self.site.scene.name, self.verb, ended.stdout)
        with opened(self.site.folder) as node:
            calls = [call for call in node.simulator.journal() if call.seq >= self.template.first]
            pids = {call.pid for call in calls}
            closings = [call for call in node.simulator.journal(closings=True) if call.pid in pids]
        found = [
            *_points("hns", calls, self.subject.endpoint),
            *_points("closing", closings, ""),
            *ended.points,
        ]
        only = self.site.scene.only
        return [point for point in found if not only or point.kind in only]

    def verb_process(self, point: Point | None, way: Way | None) -> Ended:
        """The verb in a process of its own."""
        variables, config = self.request(way)
        return run_verb(self.site.folder, variables, config, self.reservations, point, way)

    def request(self, way: Way | None) -> tuple[dict[str, str], dict[str, Any]]:
        """The variables and the configuration; a verb that is to hang gets a short deadline."""
        hasty_s = HASTY_S * current().slowness
        changes: dict[str, Any] = {"timeout": hasty_s} if way is not None and way.hangs else {}
        pod = self.subject if self.command in ("ADD", "DEL", "CHECK") else None
        if self.command == "GC":
            changes.update(valid_list(self.valid))
        if self.command == "CHECK":
            changes["prevResult"] = self.template.results[self.subject.container]
        variables = {"CNI_COMMAND": self.command, "CNI_PATH": self.site.path or "/opt/cni/bin"}
        if pod is not None:
            own = {"CNI_CONTAINERID": pod.container, "CNI_NETNS": pod.namespace, "CNI_IFNAME": "eth0"}
            variables.update(own)
        return variables, self.site.config(pod, **changes)


class Trial(_Dry):
    """One case. `state` is what it begins with; `with_files`: pods have reservation files in this scene."""

    def __init__(self, site: Site, template: Template, case: Case, state: Snapshot, with_files: bool) -> None:
        super().__init__(site, template, case.verb)
        self.case = case
        self._state = state
        self._with_files = with_files
        self.faults: list[str] = []

    def outcome(self) -> Outcome:
        self.site.restore(self.template)
        fault = self._plant()
        point, way = self.case.point, self.case.way
        outside = point.kind not in ON_THE_NODE
        ended = self.verb_process(point if outside else None, way)
        with _bounded(), opened(self.site.folder) as node:
            reached = ended.fired if outside else node.simulator.fired(fault) > 0
            node.simulator.clear_faults()
            self._judge(node, ended, reached)
        return Outcome(self.case, reached, list(dict.fromkeys(self.faults)))

    # The fault

    def _plant(self) -> int:
        """What befalls HNS itself is given to HNS; its number."""
        point, way = self.case.point, self.case.way
        if point.kind not in ON_THE_NODE:
            return 0
        simulator = Simulator(str(self.site.folder / "node"))
        fault = simulator.inject(**self._where(point), **_fault(way, point))
        simulator.close()
        return fault

    def _where(self, point: Point) -> dict[str, Any]:
        if point.kind == "hns":
            return {"call": self.template.first + point.k - 1}
        return {"function": point.what, "nth": point.nth}

    # The judgement

    def _judge(self, node: SimulatedNode, ended: Ended, reached: bool) -> None:
        way = self.case.way
        if way.effect == "reboot" and ended.killed:
            node.simulator.reboot()
        before = self._as_the_world_left_it(node)
        self._note(self.command, self._answered(node, ended, reached))
        belongs = self._recover(node, ended)
        if wait_for_orphans(_ORPHANS_S):
            self.faults.append("a child process is left")
        self._do_the_late(node, belongs)
        now = snapshot(node, self.reservations)
        self._note("at the end", self._left(before, now, belongs))
        for pod in self.template.others:
            if way.effect != "reboot":
                self._note("at the end", oracle.unlike(before, now, pod))
                checked = self.site.call(node, "CHECK", pod, prevResult=self.template.results[pod.container])
                self._expect(checked, "CHECK of another pod")
        self._note("at the end", {f"{leak.kind}{DETAIL}{leak.text}" for leak in node.simulator.leaks()})

    def _do_the_late(self, node: SimulatedNode, belongs: list[Pod]) -> None:
        """What HNS or a child finishes now is taken away by the next verb: GC, or another pod's."""
        late = node.simulator.finish_late()
        if self.case.point.kind == "child" and self.case.way.effect == "late":
            passer_by = self.site.pod(node, "9", number=9)
            self._expect(self.site.call(node, "ADD", passer_by), "another pod's ADD")
            self._expect(self.site.call(node, "DEL", passer_by), "another pod's DEL")
        elif late or self.case.way.effect == "late":
            self._expect(self.site.collect(node, belongs), "the next GC")

    def _note(self, where: str, faults: Any) -> None:
        self.faults += [f"{where}: {fault}" for fault in faults]

    def _expect(self, answer: Answer, what: str) -> bool:
        """Whether an undisturbed verb did what it is for."""
        if answer.exit_code != 0:
            self.faults.append(
                f"{what} answers code {answer.document.get('code')}{DETAIL}{_short(answer.words)}"
            )
        return answer.exit_code == 0

    def _as_the_world_left_it(self, node: SimulatedNode) -> Snapshot:
        """What the others had before the verb; the reboot itself takes from them what it takes."""
        if self.case.way.effect == "reboot":
            return snapshot(node, self.reservations)
        return self._state

    def _answered(self, node: SimulatedNode, ended: Ended, reached: bool) -> Iterator[str]:
        if ended.killed:
            if not (reached and self.case.way.kills):
                yield "it was killed"
            return
        yield from oracle.answer_faults(self.command, ended.stdout, ended.exit_code, self._codes())
        if ended.exit_code == 0 and self.command == "ADD":
            yield from oracle.missing(self.subject, snapshot(node, self.reservations), self._with_files)
        if ended.exit_code == 0 and self.command in ("DEL", "GC"):
            yield from self._not_deleted(snapshot(node, self.reservations))
        if self.command in ("CHECK", "STATUS") and self.case.way.effect not in _OF_THE_WORLD:
            yield from oracle.changed(self._state, snapshot(node, self.reservations))

    def _not_deleted(self, now: Snapshot) -> Iterator[str]:
        row = now.rows.get(self.subject.key)
        may_go_on = self.case.point.what in _DETACHING and self.case.way.effect in _UNSEEN
        if row is not None and not (may_go_on and oracle.keeps_an_id(row)):
            yield "it answers 0, and the row is there"
        if {self.subject.endpoint, self.template.orphan} & now.endpoints.keys():
            yield "it answers 0, and an endpoint is there"

    def _codes(self) -> set[int]:
        """The codes that the fault itself explains: those of the IPAM plugin, and of what it does not say.

        A configuration that joins its network is at fault where HNS has none.
        """
        if self.site.scene.hns_v1 and self.case.point.what == "HcnOpenNetwork":
            return {7}
        if self.case.point.kind != "child":
            return set()
        detail = self.case.way.detail
        return {oracle.UNREADABLE, oracle.IPAM_FAILED} | (
            {int(detail)} - {0} if detail.isdecimal() else set()
        )

    # The recovery

    def _recover(self, node: SimulatedNode, ended: Ended) -> list[Pod]:
        """Do it; the pods that belong to the node then."""
        others = self.template.others
        if self.case.recovery == "DEL":
            self._expect(self.site.call(node, "DEL", self.subject), "DEL")
        elif self.case.recovery == "ADD then DEL":
            self._add_again(node)
            self._expect(self.site.call(node, "DEL", self.subject), "DEL")
        elif self.case.recovery == "GC":
            self._expect(self.site.collect(node, others), "GC")
        else:
            return self._with_the_next(node, ended)
        return others

    def _add_again(self, node: SimulatedNode) -> None:
        answer = self.site.call(node, "ADD", self.subject)
        if self.case.way.effect == "reboot" and answer.document.get("code") in (7, 100):
            return  # its namespace ended with the machine's last boot
        if self.case.way.effect == "reboot" and self.subject.is_of_hns_v1:
            return  # so did its container, of which the peers, and we, give the result all the same
        if self._expect(answer, "the repeated ADD"):
            node.simulator.finish_late()
            checked = self.site.call(node, "CHECK", self.subject, prevResult=answer.document)
            self._expect(checked, "CHECK after the repeated ADD")

    def _with_the_next(self, node: SimulatedNode, ended: Ended) -> list[Pod]:
        next_pods = [self.site.pod(node, letter, number=number) for letter, number in (("e", 3), ("f", 4))]
        for pod in next_pods:
            self._expect(self.site.call(node, "ADD", pod), "the next pod's ADD")
        now = snapshot(node, self.reservations)
        stays = self._may_stay(ended, now)
        return [*self.template.others, *next_pods, *([self.subject] if stays else [])]

    def _may_stay(self, ended: Ended, now: Snapshot) -> bool:
        """Whether the subject's attachment belongs to the node without a recovery of its own."""
        row = now.rows.get(self.subject.key)
        if row is None or row.phase == "tombstone":
            if ended.exit_code == 0 and self.command in ("ADD", "CHECK", "STATUS") and self.verb != "ADD new":
                self._note("after the next ADDs", self._lost(now))
            return False
        if ended.exit_code == 0 and self.command in ("DEL", "GC"):
            return False
        if self._may_be_lost():
            return bool(row.phase == "ready")
        return oracle.is_whole(self.subject, now, self._with_files)

    def _may_be_lost(self) -> bool:
        """Whether the world itself has taken the subject's endpoint or namespace."""
        return self.case.way.effect in ("reboot", "vanish") or self.verb == "ADD remade"

    def _lost(self, now: Snapshot) -> Iterator[str]:
        if self.subject.container in self.template.results or self.command == "ADD":
            yield "the pod has lost its attachment"

    def _left(self, before: Snapshot, now: Snapshot, belongs: list[Pod]) -> Iterator[str]:
        way = self.case.way
        spared = {self.template.orphan} if self.case.recovery != "GC" else set()
        if self._may_be_lost():
            spared.add(self.subject.endpoint)
        if way.effect == "reboot":
            belongs = [pod for pod in belongs if pod.key in now.rows or pod not in self.template.others]
            spared |= {pod.endpoint for pod in self.template.others if pod.key not in now.rows}
        if self.template.orphan and self.case.recovery == "GC":
            if self.template.orphan in now.endpoints:
                yield "an orphaned endpoint"
            spared.add(self.template.orphan)
        refused = way.effect == "fail" and way.detail in ADDRESS_REFUSED
        belonging = oracle.Belonging(belongs, self.subject, spared, self._may_entomb(), refused)
        yield from oracle.left_over(before, now, belonging)

    def _may_entomb(self) -> bool:
        """HNS may still be creating: the ADD did not hear the end of it, or died before it could say so."""
        return self.command == "ADD" and self.verb != "ADD repeated"


class _PackagedTrial(Trial):
    """One case with a built program: what befalls HNS befalls it, and it is killed from outside."""

    def outcome(self) -> Outcome:
        self.site.restore(self.template)
        quiet = redirect_stderr(io.StringIO())  # warnings are not what is judged
        with quiet, _bounded(), opened(self.site.folder) as node:
            fault = node.simulator.inject(**self._where(self.case.point), **self._kept_waiting())
            ended = self._program(node, fault)
            reached = node.simulator.fired(fault) > 0
            node.simulator.clear_faults()
            self._judge(node, ended, reached)
        return Outcome(self.case, reached, list(dict.fromkeys(self.faults)))

    def _kept_waiting(self) -> dict[str, Any]:
        """The fault; a call whose work is done waits for us to kill its caller."""
        way = self.case.way
        return {"held": "after"} if self._is_killed_outside(way) else _fault(way, self.case.point)

    def _is_killed_outside(self, way: Way) -> bool:
        return self.case.point.kind == "hns" and way.effect in ("kill", "reboot") and way.after

    def _program(self, node: SimulatedNode, fault: int) -> Ended:
        variables, config = self.request(self.case.way)
        answer = node.start(
            self.command,
            config,
            variables.get("CNI_CONTAINERID", ""),
            variables.get("CNI_NETNS", ""),
        )
        if self._is_killed_outside(self.case.way):
            _kill_when_held(node, fault, answer)
        stdout, _ = answer.communicate()
        killed = answer.returncode < 0 or answer.returncode == KILLED_ON_WINDOWS
        return Ended(stdout.decode(), -signal.SIGKILL if killed else answer.returncode, False, [])


def _kill_when_held(node: SimulatedNode, fault: int, process: subprocess.Popen[bytes]) -> None:
    """End the process once the call that waits has done its work."""
    while process.poll() is None:
        if node.simulator.fired(fault) and node.simulator.journal()[-1].hresult is not None:
            process.kill()
            return
        time.sleep(_LOOK_AGAIN_S)


def _points(kind: str, calls: list[Call], target: str) -> Iterator[Point]:
    names: list[str] = []
    for k, call in enumerate(calls, start=1):
        names.append(call.function)
        own = target if target and call.object.endswith(target) else ""
        yield Point(kind, k, call.function, own, names.count(call.function))


def _fault(way: Way, point: Point) -> dict[str, Any]:
    """The simulator's words for it."""
    moment = "after" if way.after else "before"
    fields: dict[str, dict[str, Any]] = {
        "vanish": {"vanish": [point.target]},
        "kill": {"die": moment},
        "reboot": {"die": moment},
        "hang": {"hang": True},
        "restart": {"restart": True, **({"hresult": BROKEN_OFF} if way.detail else {})},
    }
    if way.effect == "fail":
        return {"hresult": int(way.detail, 16), "took_effect": way.after}
    if way.effect == "late":
        return _LATE[way.detail]
    return fields[way.effect]


_LATE: dict[str, dict[str, Any]] = {
    "soon": {"late_after_calls": _SOON},
    "answered": {"late_after_calls": _NEVER},
    "killed": {"late_after_calls": _NEVER, "die": "after"},
    "hung": {"late_after_calls": _NEVER, "hang": True},
}


def _short(words: str) -> str:
    return " ".join(words.split())[:160]


class _bounded:  # noqa: N801 - a context manager
    """A recovery that hangs is interrupted: it answers as an interrupted verb does."""

    def __enter__(self) -> None:
        signal.signal(signal.SIGALRM, _interrupt)
        signal.alarm(_HUNG_S)

    def __exit__(self, *_: object) -> None:
        signal.alarm(0)


def _interrupt(*_: object) -> None:
    raise TimeoutError("a recovery hangs")
