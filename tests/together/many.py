"""A node with very many attachments: every verb is as right as on an empty one, with as many calls of HNS.

The attachments are as the program makes them: each has its row and lease, its endpoint with address and MAC,
and its namespace. They are copies of one that it has made, written in one transaction of the ledger and one
of the simulated HNS.
"""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cni_hns.deadline import Deadline
from cni_hns.identity import endpoint_id
from cni_hns.ledger import AttachmentKey, Ledger, open_ledger
from cni_hns.ledger.addresses import address_key
from cni_hns.simulator.core import endpoints, namespaces
from cni_hns.simulator.core.documents import ZERO_GUID
from cni_hns.simulator.core.store import State
from tests.harness import Answer, SimulatedNode, container_id, l2bridge
from tests.together.tally import Tally

__all__ = ["many"]

_NETWORK = "pods"
_SUBNET, _GATEWAY = "10.88.0.0/16", "10.88.0.1"
_FIRST = IPv4Address("10.88.1.0")
_BUDGET_S = 600.0
_NO_POD = 104

# HNS's own pool has 4096: a node with more pods on one network needs this.
_MANY_MACS = {"StartMacAddress": "00-15-5D-00-00-00", "EndMacAddress": "00-15-5D-0F-FF-FF"}
_DOCUMENT = {
    "Name": _NETWORK,
    "Type": "L2Bridge",
    "MacPool": {"Ranges": [_MANY_MACS]},
    "Ipams": [
        {
            "Type": "Static",
            "Subnets": [
                {
                    "IpAddressPrefix": _SUBNET,
                    "Routes": [{"NextHop": _GATEWAY, "DestinationPrefix": "0.0.0.0/0"}],
                }
            ],
        }
    ],
}


def many(folder: Path, count: int) -> Tally:
    """What came of each verb on an empty node and on one with so many attachments."""
    node = SimulatedNode(folder, management_address_after_calls=0)
    try:
        scene = _Scene(node)
        before = scene.calls_of_each_verb()
        scene.fill(count)
        after = scene.calls_of_each_verb()
        if after != before:
            scene.tally.failure(f"calls of HNS grow from {before} to {after}")
        scene.try_the_filled_pods()
        scene.collect()
    finally:
        node.close()
    return scene.tally


class _Pod:
    def __init__(self, container: str, namespace: str, result: dict[str, Any]) -> None:
        self.container, self.namespace, self.result = container, namespace, result
        self.endpoint = endpoint_id(_NETWORK, container, "eth0")

    @property
    def entry(self) -> dict[str, str]:
        return {"containerID": self.container, "ifname": "eth0"}


class _Scene:
    """The node, and the pods that it was filled with."""

    def __init__(self, node: SimulatedNode) -> None:
        self.node = node
        self.tally = Tally()
        self.pods: list[_Pod] = []
        node.simulator.plant("network", _DOCUMENT)
        plain = l2bridge()
        subnets = [{"prefix": _SUBNET, "gateway": _GATEWAY}]
        self._config = {
            **plain,
            "network": {**plain["network"], "subnets": subnets},
            "ipam": {"type": "cni-hns", "ranges": [[{"subnet": _SUBNET}]]},
        }

    def calls_of_each_verb(self) -> dict[str, int]:
        """A new pod's whole life; how many calls of HNS each of its verbs makes."""
        # The first ADD of a configuration compiles its plan and looks for the network.
        for _ in range(2):
            made = {}
            pod = _Pod(container_id(), self.node.namespace(), {})
            for verb in ("STATUS", "ADD", "CHECK", "repeated ADD", "DEL", "second DEL"):
                self.node.simulator.reset_journal()
                answer = self._done(verb, pod)
                made[verb] = len(self.node.calls())
                if verb == "ADD":
                    pod.result = answer.document
        return made

    def fill(self, count: int) -> None:
        """So many attachments, in HNS and in the ledger."""
        model = _Pod(container_id(), self.node.namespace(), {})
        model.result = self._done("ADD", model).document
        with self.node.simulator.store.transaction() as state:
            for number in range(count):
                self.pods.append(_copy_in_hns(state, model, str(_FIRST + number)))
        ledger = open_ledger(self.node.ledger_path, Deadline(_BUDGET_S))
        try:
            with ledger.transaction():
                for pod in self.pods:
                    _copy_in_ledger(ledger, model, pod)
        finally:
            ledger.close()
        self._done("DEL", model)

    def try_the_filled_pods(self) -> None:
        """The first, one in the middle and the last are as the program would have made them."""
        for pod in (self.pods[0], self.pods[len(self.pods) // 2], self.pods[-1]):
            self._done("CHECK", pod)
            if self._done("repeated ADD", pod).document != pod.result:
                self.tally.failure(f"a repeated ADD does not answer {pod.result}")
            self._done("DEL", pod)
            self._expect(_NO_POD, "CHECK", pod)
            self.pods.remove(pod)
        self._look()

    def collect(self) -> None:
        """GC: with all of them valid nothing goes, with all but three just those go."""
        self._done("GC", None)
        self._look()
        self.pods = self.pods[3:]
        self._done("GC", None)
        self._look()

    def _look(self) -> None:
        """HNS and the ledger have these pods and no other."""
        wanted = {pod.endpoint for pod in self.pods}
        if set(self.node.hcn.endpoints.ids()) != wanted:
            self.tally.failure("HNS has not exactly the endpoints of the pods that are left")
        if {row.endpoint_id for row in self.node.rows()} != wanted:
            self.tally.failure("the ledger has not exactly the rows of the pods that are left")
        if len({lease.address for lease in self.node.leases()}) != len(wanted):
            self.tally.failure("the ledger has not one lease for each of the pods that are left")

    def _done(self, verb: str, pod: _Pod | None) -> Answer:
        return self._expect(0, verb, pod)

    def _expect(self, code: int, verb: str, pod: _Pod | None) -> Answer:
        command = verb.rsplit(maxsplit=1)[-1]
        self.tally.verb(verb)
        config = dict(self._config)
        if command == "CHECK" and pod is not None:
            config["prevResult"] = pod.result
        if command == "GC":
            config["cni.dev/valid-attachments"] = [one.entry for one in self.pods]
        if pod is None or command == "STATUS":
            answer = self.node.call(command, config)
        else:
            answer = self.node.call(command, config, pod.container, pod.namespace)
        if answer.exit_code:
            self.tally.error(verb, answer.document["code"])
        if answer.document.get("code", 0) != code:
            self.tally.failure(f"{verb}: {answer.words or 'success'}")
        return answer


def _copy_in_hns(state: State, model: _Pod, address: str) -> _Pod:
    """Another pod's namespace and endpoint, like the model's."""
    made = endpoints.load(state, model.endpoint)
    container = container_id()
    document = {
        **{name: made.document[name] for name in ("Routes", "Dns", "Policies", "SchemaVersion", "Owner")},
        "ID": endpoint_id(_NETWORK, container, "eth0"),
        "Name": f"{container}_{_NETWORK}",
        "IpConfigurations": [{"IpAddress": address, "PrefixLength": 16}],
    }
    endpoint = endpoints.create(state, made.network, ZERO_GUID, document)
    namespace = namespaces.create(state, ZERO_GUID, {})
    namespaces.add_endpoint(state, namespace, endpoint)
    mac = endpoints.load(state, endpoint).document["MacAddress"]
    return _Pod(container, namespace, _result(model, namespace, address, mac))


def _result(model: _Pod, namespace: str, address: str, mac: str) -> dict[str, Any]:
    (interface,), (ip,) = model.result["interfaces"], model.result["ips"]
    interface = {**interface, "mac": mac.lower().replace("-", ":"), "sandbox": namespace}
    return {**model.result, "interfaces": [interface], "ips": [{**ip, "address": f"{address}/16"}]}


def _copy_in_ledger(ledger: Ledger, model: _Pod, pod: _Pod) -> None:
    """Another pod's row and lease, like the model's."""
    row = ledger.attachment(AttachmentKey(_NETWORK, model.container, "eth0"))
    (lease,) = ledger.leases_of(AttachmentKey(_NETWORK, model.container, "eth0"))
    assert row is not None
    assert row.result is not None
    key = AttachmentKey(_NETWORK, pod.container, "eth0")
    address = pod.result["ips"][0]["address"].partition("/")[0]
    swapped = {
        model.endpoint: pod.endpoint,
        model.container: pod.container,
        model.namespace: pod.namespace,
        lease.address + '"': address + '"',
        lease.address + "/": address + "/",
        model.result["interfaces"][0]["mac"]: pod.result["interfaces"][0]["mac"],
    }
    ledger.claim(
        key,
        "adding",
        fingerprint=row.fingerprint,
        namespace_id=pod.namespace,
        owner=row.owner,
        token=pod.container[:32],
        deadline_at=row.deadline_at,
        alive=lambda _: False,
    )
    ledger.hold(lease._replace(address=address, container_id=pod.container))
    ledger.make_ready(
        key,
        pod.container[:32],
        _swap(row.result, swapped),
        endpoint_id=pod.endpoint,
        hcn_network_id=row.hcn_network_id,
        request=json.loads(_swap(json.dumps(row.request), swapped)),
    )
    ledger.keep_cursor(_NETWORK, lease.range_set, address_key(address))


def _swap(text: str, swapped: dict[str, str]) -> str:
    for old, new in swapped.items():
        text = text.replace(old, new)
    return text
