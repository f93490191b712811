"""What each answer must be, and what of it is worth a line.

Each judge takes an answer and gives the line, or "". It raises Unexpected for an answer that is wrong
although the process ended as it should.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cni_hns.cli.containers.facts import usage_lines
from cni_hns.cli.demo.runtime import PORT_MAPPING

if TYPE_CHECKING:
    from cni_hns.cli.demo.node import Answer

__all__ = [
    "Judge",
    "Unexpected",
    "addresses_of",
    "attached",
    "deleted",
    "endpoint_attached",
    "has_an_id",
    "judged",
    "network_made",
    "nothing_said",
    "outcome",
    "port_mapped",
    "quietly",
    "refused",
    "same_as",
    "shared_by",
    "template_printed",
    "used",
]

Judge = Callable[["Answer"], str]


class Unexpected(Exception):
    """What is wrong with an answer, in words."""


def judged(answer: Answer, judge: Judge, exit_code: int) -> tuple[str, str | None]:
    """The line about an answer, and what is wrong with it, if anything."""
    if answer.exit_code != exit_code:
        return "", f"it ended with exit code {answer.exit_code}"
    try:
        return judge(answer), None
    except Unexpected as fault:
        return "", str(fault)
    except (LookupError, TypeError, AttributeError):
        return "", "the answer lacks what it is asked for"


def nothing_said(answer: Answer) -> str:
    """A verb that has nothing to answer but success."""
    if answer.stdout.strip():
        raise Unexpected("there is something on stdout")
    return "success"


def has_an_id(answer: Answer) -> str:
    """An object that was made."""
    found = answer.document
    if not isinstance(found, dict) or not found.get("id"):
        raise Unexpected("there is no id in the answer")
    return str(found["id"])


def network_made(answer: Answer) -> str:
    """An HCN network with its subnets."""
    identifier, network = has_an_id(answer), answer.document
    subnets = ", ".join(one["prefix"] for one in network["subnets"])
    return " ".join(filter(None, [network["type"], f'"{network["name"]}"', subnets, identifier]))


def deleted(answer: Answer) -> str:
    """The sentence of the command."""
    return answer.stdout.strip()


def template_printed(answer: Answer) -> str:
    """A ComputeSystem document with a container in a namespace."""
    if not answer.document["Container"]["Networking"]["Namespace"]:
        raise Unexpected("the document names no namespace")
    return "a document whose layers, volume, owner and host name are then filled in"


def outcome(word: str) -> Judge:
    """A command about a compute system must have this outcome."""

    def judge(answer: Answer) -> str:
        if answer.document["outcome"] != word:
            raise Unexpected(f"the outcome is {answer.document['outcome']}")
        return f"{answer.document['id']}: {word}"

    return judge


def quietly(judge: Judge) -> Judge:
    """The same, and no line: what comes next says more."""

    def quiet(answer: Answer) -> str:
        judge(answer)
        return ""

    return quiet


def refused(reason: str) -> Judge:
    """A command must have been refused for this reason."""

    def judge(answer: Answer) -> str:
        words = " ".join(answer.stderr.split())
        if reason not in words:
            raise Unexpected(f"the refusal does not say: {reason}")
        return words.removeprefix("cni-hns: ")

    return judge


def attached(answer: Answer) -> str:
    """A pod whose sources agree, with its endpoints attached to containers that run."""
    pod = answer.document
    if pod["state"] != "ok":
        mismatches = "; ".join(one["words"] for one in pod["mismatches"])
        raise Unexpected(f"the pod is {pod['state']}: {mismatches}")
    states = [one["state"] for one in pod["endpoints"]]
    if not states or not all(one.startswith("attached") for one in states):
        raise Unexpected(f"the states of its endpoints are {states}")
    if not pod["compartment"]:
        raise Unexpected("its namespace has no compartment")
    return f"endpoint {', '.join(states)}; compartment {pod['compartment']}"


def shared_by(*containers: str) -> Judge:
    """A pod with these containers, which run, and one endpoint that they share."""

    def judge(answer: Answer) -> str:
        words = attached(answer)
        running = [one["id"] for one in answer.document["containers"] if one["state"] == "Running"]
        if sorted(running) != sorted(containers):
            raise Unexpected(f"the containers that run are {running}")
        return f"{' and '.join(running)} run; {words}"

    return judge


def endpoint_attached(answer: Answer) -> str:
    """An endpoint that is attached."""
    endpoint = answer.document
    if not endpoint["state"].startswith("attached"):
        raise Unexpected(f"the endpoint's state is: {endpoint['state']}")
    return f"{endpoint['name']}: {endpoint['state']}"


def port_mapped(answer: Answer) -> str:
    """An endpoint with the port mapping of the demo."""
    policies = answer.document["document"].get("Policies", [])
    mapped = [policy["Settings"] for policy in policies if policy["Type"] == "PortMapping"]
    ports = [one["ExternalPort"] for one in mapped]
    if PORT_MAPPING["hostPort"] not in ports:
        raise Unexpected(f"the endpoint maps the ports {ports}")
    return ", ".join(f"PortMapping {one['ExternalPort']} -> {one['InternalPort']}" for one in mapped)


def used(answer: Answer) -> str:
    """What one container uses."""
    container = answer.document[0]
    if not container["memoryCommitBytes"]:
        raise Unexpected("it uses no memory")
    cpu_and_memory, *_, network = usage_lines(container)
    return f"{cpu_and_memory}; {network}"


def same_as(result: Any) -> Judge:
    """A repeated ADD must answer as the first one."""

    def judge(answer: Answer) -> str:
        if answer.document != result:
            raise Unexpected("the result is another one")
        return "the same result"

    return judge


def addresses_of(result: Any) -> list[str]:
    """Addresses of a result of any version."""
    if not isinstance(result, dict):
        return []
    old = [result[key]["ip"] for key in ("ip4", "ip6") if key in result]
    return old or [one["address"] for one in result.get("ips", [])]
