"""The steps of the demo and what each of them must answer.

`pod-a` lives its whole life: a sandbox container, its network, a second container, and an orderly end. The
runtime forgets `pod-b`, whose DEL never comes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cni_hns.cli.demo import judging
from cni_hns.cli.demo.judging import Unexpected, addresses_of
from cni_hns.cli.demo.runtime import PORT_MAPPING, Pod, Runtime, filled
from cni_hns.cli.demo.steps import Steps
from cni_hns.hcs.resources import FIRST_BUILD

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cli.demo.inventory import Inventory
    from cni_hns.cli.demo.judging import Judge
    from cni_hns.cli.demo.node import Answer, DemoNode
    from cni_hns.cli.demo.report import Report
    from cni_hns.dialects.plan import AttachmentPlan

__all__ = ["Story"]

_SANDBOX, _WORKLOAD, _FORGOTTEN = "pod-a", "pod-a-web", "pod-b"
_CPUS, _MEMORY_MB = 2, 1024
# The lowest number that overlay networks may have.
_VSID = "4096"


class Story:
    """Tells the steps on the node; goes on past an answer that was not expected."""

    def __init__(
        self,
        node: DemoNode,
        document: dict[str, Any],
        plan: AttachmentPlan,
        report: Report,
        look: Callable[[], Inventory],
    ) -> None:
        self._node = node
        self._network = str(document["name"])
        self._plan = plan
        self._report = report
        self._look = look
        self._runtime = Runtime(document)
        self._steps = Steps(node, document, report)
        self._template: dict[str, Any] = {}

    def tell(self) -> dict[str, Inventory]:
        """The whole story; what is on the node before it, in the middle of it and after it."""
        moments = {"before": self._look()}
        self._report.heading("The node is made ready")
        self._prepare()
        self._report.heading("A pod starts")
        pod = self._start()
        self._report.heading("It runs")
        self._use(pod)
        self._report.heading("Another pod is forgotten")
        forgotten = self._start_another()
        moments["two pods"] = self._look()
        self._forget(forgotten, pod)
        self._report.heading("The pod ends")
        self._end(pod)
        moments["after"] = self._look()
        return moments

    def _prepare(self) -> None:
        self._steps.begin("The node gets the HCN network of the configuration, and is ready for pods")
        arguments = ["network", "create", "--config", self._node.configuration, "--json"]
        if self._plan.network.mode == "overlay" and self._plan.network.create is None:
            arguments += ["--vsid", _VSID]
        self._steps.operator(arguments, judging.network_made)
        self._status()

    def _start(self) -> Pod:
        self._steps.begin(f"The runtime makes a namespace for {_SANDBOX}")
        pod = Pod(_SANDBOX, self._namespace("A"), mapped="portMappings" in self._plan.capabilities)
        self._steps.begin("It makes the sandbox container in that namespace, and starts it")
        arguments = ["container", "create", "--template", "process", "--namespace", pod.namespace]
        answer = self._steps.operator(arguments, judging.template_printed, into=f"{_SANDBOX}.json")
        self._template = answer.document if isinstance(answer.document, dict) else {}
        self._run_container(_SANDBOX, pod)
        self._steps.begin(f"ADD: {_SANDBOX} gets its network, attached at once for the sandbox runs")
        self._add(pod)
        self._show(pod, judging.attached)
        self._steps.begin("A second container of the pod names the same namespace, and gets no ADD")
        self._run_container(_WORKLOAD, pod)
        self._show(pod, judging.shared_by(_SANDBOX, _WORKLOAD))
        return pod

    def _use(self, pod: Pod) -> None:
        if pod.mapped:
            self._steps.begin(f"Host port {PORT_MAPPING['hostPort']} is mapped by a policy of the endpoint")
            self._steps.operator(self._endpoint_show(pod), judging.port_mapped)
        else:
            self._report.say("No port mapping: the configuration does not declare the capability.")
        if self._has("CHECK"):
            self._steps.begin("CHECK: is everything still as ADD left it?")
            self._check(pod)
        self._steps.begin("ADD again, as if the runtime had lost the answer")
        self._steps.plugin(self._runtime.call("ADD", pod), judging.same_as(self._runtime.results[pod.name]))
        self._steps.begin("What the second container uses, and what the endpoint counts")
        self._steps.operator(["container", "stats", _WORKLOAD, "--interval", "0.1", "--json"], judging.used)
        self._steps.begin("A pause is refused, with the reason")
        self._steps.operator(
            ["container", "pause", _WORKLOAD, "--json"], judging.refused("process-isolated"), exit_code=1
        )
        self._change()

    def _change(self) -> None:
        limits = ["--cpus", str(_CPUS), "--memory", str(_MEMORY_MB)]
        arguments = ["container", "set", _WORKLOAD, *limits, "--json"]
        build = self._node.windows_build()
        if build < FIRST_BUILD:
            self._steps.begin("This Windows is too old to change what a running container may use")
            self._steps.operator(arguments, judging.refused(f"build {build}"), exit_code=1)
        else:
            self._steps.begin("The second container may use more from now on")
            self._steps.operator(arguments, self._has_its_limits)

    def _start_another(self) -> Pod:
        self._steps.begin(
            f"{_FORGOTTEN} in containerd's order: ADD first, attached when the container starts"
        )
        pod = Pod(_FORGOTTEN, self._namespace("B"))
        self._add(pod)
        self._run_container(_FORGOTTEN, pod)
        self._steps.operator(self._endpoint_show(pod), judging.endpoint_attached)
        return pod

    def _forget(self, forgotten: Pod, alive: Pod) -> None:
        self._steps.begin(f"{forgotten.name} is killed and its namespace deleted; its DEL never comes")
        self._steps.operator(["container", "kill", forgotten.name, "--json"], judging.outcome("terminated"))
        self._delete_namespace(forgotten, "--force")
        if not self._has("GC", "the DEL comes late."):
            self._steps.begin(f"DEL: {forgotten.name} gives its network back, its namespace being gone")
            self._delete(forgotten._replace(namespace=""))
            return
        self._steps.begin(f"GC: only {alive.name} is alive; the rest is collected, {alive.name} is untouched")
        self._steps.plugin(self._runtime.call_gc(alive), self._only_that_is_left(alive))
        self._check(alive)

    def _end(self, pod: Pod) -> None:
        self._steps.begin("The containers stop, the sandbox last")
        for container in (_WORKLOAD, _SANDBOX):
            self._steps.operator(["container", "stop", container, "--json"], judging.outcome("shut down"))
        self._steps.begin(f"DEL: {pod.name} gives its network back; a second DEL finds nothing to do")
        self._delete(pod)
        self._delete(pod)
        self._steps.begin("The runtime deletes the namespace; the node is ready for the next pod")
        self._delete_namespace(pod)
        self._status()

    # What several steps do

    def _namespace(self, letter: str) -> str:
        made: list[str] = []

        def assignment(answer: Answer) -> str:
            made.append(judging.has_an_id(answer))
            return f"NS_{letter}={made[0]}"

        self._steps.operator(["namespace", "create", "--json"], assignment)
        for identifier in made:
            self._steps.name(f"NS_{letter}", identifier)
        return "".join(made)

    def _run_container(self, container: str, pod: Pod) -> None:
        """Make it and let it run, by the template's document."""
        document = filled(self._template, container, pod.namespace)
        file = self._node.write(f"{container}.json", document)
        arguments = ["container", "create", container, "--config", file, "--json"]
        self._steps.operator(arguments, judging.quietly(judging.outcome("created")))
        self._steps.operator(["container", "start", container, "--json"], judging.outcome("started"))

    def _add(self, pod: Pod) -> None:
        answer = self._steps.plugin(self._runtime.call("ADD", pod), self._has_its_own_address)
        self._runtime.results[pod.name] = answer.document

    def _show(self, pod: Pod, judge: Judge) -> None:
        self._steps.operator(["pod", "show", pod.name, "--json"], judge)

    def _check(self, pod: Pod) -> None:
        self._steps.plugin(self._runtime.call("CHECK", pod), judging.nothing_said)

    def _delete(self, pod: Pod) -> None:
        self._steps.plugin(self._runtime.call("DEL", pod), judging.nothing_said)

    def _status(self) -> None:
        if self._has("STATUS"):
            self._steps.plugin(self._runtime.call("STATUS", None), judging.nothing_said)

    def _delete_namespace(self, pod: Pod, *options: str) -> None:
        self._steps.operator(["namespace", "delete", pod.namespace, *options], judging.deleted)

    def _has(self, verb: str, otherwise: str = "") -> bool:
        """Whether the version has the verb; says so where it has not."""
        if self._runtime.has(verb):
            return True
        instead = f", so {otherwise}" if otherwise else "."
        self._report.say(f"No {verb}: cniVersion {self._runtime.version} does not have it{instead}")
        return False

    def _endpoint_name(self, pod: Pod) -> str:
        return f"{pod.name}_{self._network}"

    def _endpoint_show(self, pod: Pod) -> list[str]:
        return ["endpoint", "show", self._endpoint_name(pod), "--json"]

    # Judges that know more than the answer

    def _has_its_own_address(self, answer: Answer) -> str:
        addresses = addresses_of(answer.document)
        taken = {address for result in self._runtime.results.values() for address in addresses_of(result)}
        if not addresses and self._plan.ipam.kind != "dhcp":
            raise Unexpected("the result has no address")
        twice = sorted(taken.intersection(addresses))
        if twice:
            raise Unexpected(f"{', '.join(twice)} belongs to another pod")
        return f"a result with {', '.join(addresses) or 'no address: an outside server gives it'}"

    def _only_that_is_left(self, alive: Pod) -> Judge:
        def judge(_: Answer) -> str:
            there = [endpoint["name"] for endpoint in self._look().endpoints]
            if there != [self._endpoint_name(alive)]:
                raise Unexpected(f"HNS has the endpoints {there}")
            return f"HNS has one endpoint, {there[0]}"

        return judge

    def _has_its_limits(self, answer: Answer) -> str:
        words = judging.outcome("changed")(answer)
        limits = {one["id"]: one["limits"] for one in self._look().containers}[_WORKLOAD]
        if limits != {"Processor": {"Count": _CPUS}, "Memory": {"SizeInMB": _MEMORY_MB}}:
            raise Unexpected(f"its limits are {json.dumps(limits)}")
        return words
