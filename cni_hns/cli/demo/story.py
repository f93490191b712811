"""The steps of the demo and what each of them must answer.

Three pods live and die: `pod-a` has a port mapping and is deleted twice, `pod-b` is deleted in good order,
and the runtime forgets `pod-c`, whose DEL never comes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.cli.demo.node import Answer
from cni_hns.cni.protocol import UNSTATED, VERBS, at_least

if TYPE_CHECKING:
    from cni_hns.cli.demo.inventory import Inventory
    from cni_hns.cli.demo.node import DemoNode
    from cni_hns.cli.demo.report import Report
    from cni_hns.dialects.plan import AttachmentPlan

__all__ = ["Story"]

_IFNAME = "eth0"
_PORT_MAPPING = {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}
# The lowest number that overlay networks may have.
_VSID = "4096"

# What is wrong with an answer whose exit code is 0; None where nothing is.
Check = Callable[[Answer], str | None]


class _Pod(NamedTuple):
    name: str
    namespace: str
    mapped: bool = False
    """Whether it has a port mapping."""


class Story:
    """Runs the steps on the node, one process each; goes on past an answer that was not expected."""

    def __init__(
        self, node: DemoNode, document: dict[str, Any], plan: AttachmentPlan, report: Report
    ) -> None:
        self._node = node
        self._document = document
        self._plan = plan
        self._report = report
        self._version = str(document.get("cniVersion") or UNSTATED)
        self._results: dict[str, Any] = {}

    def tell(self, look: Callable[[], Inventory]) -> dict[str, Inventory]:
        """The whole story; what `look` saw before it, in the middle of it and after it."""
        self._report.heading("The node is made ready")
        moments = {"before": look()}
        self._prepare()
        self._report.heading("Three pods start")
        declared = "portMappings" in self._plan.capabilities
        first = _Pod("pod-a", self._namespace("pod-a"), mapped=declared)
        second = _Pod("pod-b", self._namespace("pod-b"))
        lost = _Pod("pod-c", self._namespace("pod-c"))
        self._live([first, second, lost])
        moments["three pods"] = look()
        self._report.inventory("The node with three pods", moments["three pods"])
        self._report.heading("The pods end")
        self._end(first, second, lost, look)
        moments["after"] = look()
        self._report.inventory("The node afterwards", moments["after"])
        return moments

    def _prepare(self) -> None:
        arguments = ["network", "create", "--config", self._node.configuration, "--json"]
        if self._plan.network.mode == "overlay" and self._plan.network.create is None:
            arguments += ["--vsid", _VSID]
        self._operator("create the HCN network of the configuration", arguments, _has_id)
        self._verb("STATUS", "is the node ready for an ADD?")

    def _live(self, pods: list[_Pod]) -> None:
        for pod in pods:
            words = " with a port mapping" if pod.mapped else ""
            answer = self._verb("ADD", f"add {pod.name}{words}", pod, self._has_its_own_address)
            self._results[pod.name] = answer.document if answer else None
        first = pods[0]
        if first.mapped:
            self._show_port_mapping(first)
        else:
            self._report.say("No port mapping: the configuration does not declare the capability.")
        for pod in pods:
            self._verb("CHECK", f"check {pod.name}", pod)
        self._verb(
            "ADD", f"add {first.name} again: the runtime lost the answer", first, self._is_as_before(first)
        )

    def _end(self, first: _Pod, second: _Pod, lost: _Pod, look: Callable[[], Inventory]) -> None:
        self._verb("DEL", f"delete {first.name}", first)
        self._verb("DEL", f"delete {first.name} again", first)
        self._delete_namespace(lost, "the runtime forgets the pod, its DEL never comes")
        if self._has("GC"):
            self._collect_all_but(second, look)
            self._verb("CHECK", f"check {second.name}: it is untouched", second)
        else:
            self._report.say(f"No GC: cniVersion {self._version} does not have it, so the DEL comes late.")
            self._verb("DEL", f"delete {lost.name}, whose namespace is gone", lost._replace(namespace=""))
        self._verb("DEL", f"delete {second.name}", second)
        self._verb("STATUS", "is the node still ready?")
        self._delete_namespace(first, "its sandbox ends")
        self._delete_namespace(second, "its sandbox ends")

    def _namespace(self, pod: str) -> str:
        arguments = ["namespace", "create", "--json"]
        answer = self._operator(f"a namespace for {pod}, as a runtime makes it", arguments, _has_id)
        return str((answer.document or {}).get("id", ""))

    def _delete_namespace(self, pod: _Pod, words: str) -> None:
        self._operator(f"namespace of {pod.name}: {words}", ["namespace", "delete", pod.namespace])

    def _show_port_mapping(self, pod: _Pod) -> None:
        arguments = ["endpoint", "show", self._endpoint_name(pod), "--json"]
        title = "the port mapping is a policy of its endpoint"
        self._operator(title, arguments, _has_port_mapping, part=("document", "Policies"))

    def _collect_all_but(self, alive: _Pod, look: Callable[[], Inventory]) -> None:
        def only_that_is_left(_: Answer) -> str | None:
            there = [endpoint["name"] for endpoint in look().endpoints]
            return None if there == [self._endpoint_name(alive)] else f"HNS has the endpoints {there}"

        valid = {"cni.dev/valid-attachments": [{"containerID": alive.name, "ifname": _IFNAME}]}
        self._verb("GC", f"only {alive.name} is alive: collect the rest", None, only_that_is_left, valid)

    def _has_its_own_address(self, answer: Answer) -> str | None:
        addresses = _addresses(answer.document)
        taken = {address for result in self._results.values() for address in _addresses(result)}
        if not addresses and self._plan.ipam.kind != "dhcp":
            return "the result has no address"
        twice = sorted(taken.intersection(addresses))
        return f"{', '.join(twice)} belongs to another pod" if twice else None

    def _is_as_before(self, pod: _Pod) -> Check:
        return lambda answer: (
            None if answer.document == self._results[pod.name] else "the result is another one"
        )

    def _endpoint_name(self, pod: _Pod) -> str:
        return f"{pod.name}_{self._document['name']}"

    def _has(self, verb: str) -> bool:
        return at_least(self._version, VERBS[verb].since)

    def _operator(
        self, title: str, arguments: list[str], check: Check | None = None, *, part: tuple[str, ...] = ()
    ) -> Answer:
        """One operator's command; of a long answer the report shows only the member that `part` leads to."""
        answer = self._node.operator(*arguments)
        wrong = _wrong(answer, check)
        self._report.step(title, [f"$ cni-hns {' '.join(arguments)}"], answer, wrong, part)
        return answer

    def _verb(
        self,
        verb: str,
        title: str,
        pod: _Pod | None = None,
        check: Check | None = None,
        members: dict[str, Any] | None = None,
    ) -> Answer | None:
        """One CNI call; None for a verb that the configuration's version does not have."""
        if not self._has(verb):
            self._report.say(f"No {verb}: cniVersion {self._version} does not have it.")
            return None
        variables = {"CNI_COMMAND": verb, **_variables(pod)}
        added = {**self._of_the_call(verb, pod), **(members or {})}
        answer = self._node.plugin(variables, {**self._document, **added})
        sent = [" ".join(f"{key}={value}" for key, value in variables.items()), self._stdin_words(added)]
        self._report.step(title, sent, answer, _wrong(answer, check))
        return answer

    def _of_the_call(self, verb: str, pod: _Pod | None) -> dict[str, Any]:
        """What a runtime adds to the configuration for this call (CNI SPEC, section 3)."""
        added: dict[str, Any] = {}
        if pod is None:
            return added
        if pod.mapped:
            added["runtimeConfig"] = {"portMappings": [_PORT_MAPPING]}
        # A prevResult with CHECK and DEL came with the version that brought CHECK.
        if verb in ("CHECK", "DEL") and self._has("CHECK") and self._results.get(pod.name):
            added["prevResult"] = self._results[pod.name]
        return added

    def _stdin_words(self, added: dict[str, Any]) -> str:
        words = [f"{key} {json.dumps(value)}" for key, value in added.items() if key != "prevResult"]
        if "prevResult" in added:
            words.append("prevResult, what ADD answered")
        return " + ".join(["stdin: the configuration", *words])


def _variables(pod: _Pod | None) -> dict[str, str]:
    if pod is None:
        return {}
    return {"CNI_CONTAINERID": pod.name, "CNI_NETNS": pod.namespace, "CNI_IFNAME": _IFNAME}


def _wrong(answer: Answer, check: Check | None) -> str | None:
    if answer.exit_code != 0:
        return f"it ended with exit code {answer.exit_code}"
    return check(answer) if check else None


def _addresses(result: Any) -> list[str]:
    """Addresses of a result of any version."""
    if not isinstance(result, dict):
        return []
    old = [result[key]["ip"] for key in ("ip4", "ip6") if key in result]
    return old or [one["address"] for one in result.get("ips", [])]


def _has_id(answer: Answer) -> str | None:
    document = answer.document
    return None if isinstance(document, dict) and document.get("id") else "there is no id in the answer"


def _has_port_mapping(answer: Answer) -> str | None:
    policies = answer.document["document"].get("Policies", [])
    mapped = [policy["Settings"]["ExternalPort"] for policy in policies if policy["Type"] == "PortMapping"]
    return None if _PORT_MAPPING["hostPort"] in mapped else f"the endpoint maps the ports {mapped}"
