"""What nat, sdnbridge and sdnoverlay do, told by rows of data: these peers cannot be had by name.

A row has a configuration, and what the peer makes of it by its sources: the network it creates, and of each
pod the addresses that its IPAM gave, gateways, DNS and policies. `Told` does that to a simulated node, with
host-local's files, so that the node is as after the peer.
"""

from __future__ import annotations

import ipaddress
import json
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from cni_hns.binding.errors import ServiceError
from tests.differential.cases import CONF, OTHER_PORTS, Case, Network
from tests.differential.subject import NAMESPACES, NETWORK, PODS, STEPS, Observed, Step, changes
from tests.harness import SimulatedNode

__all__ = ["ROWS", "Expected", "Told", "observed_by_row", "told", "told_cases"]

ROWS = Path(__file__).with_name("rows.toml")

_SCHEMA = {"Major": 2, "Minor": 0}
_DEFAULTS = {4: "0.0.0.0/0", 6: "::/0"}


class Expected(NamedTuple):
    """What the peer makes: `addresses` of each pod ([] where HNS gives them), the rest of every pod."""

    addresses: list[list[str]]
    gateways: list[str]
    policies: list[dict[str, Any]]
    dns: dict[str, Any]
    creates: dict[str, Any]
    refuses: bool


class Told:
    """The peer of one row, on one node; `reservations` is host-local's folder of the network."""

    def __init__(self, node: SimulatedNode, case: Case, expected: Expected, reservations: Path) -> None:
        self.node, self.case, self.expected, self.reservations = node, case, expected, reservations
        self.network = str(case.config["name"])
        self._added = 0

    def add(self, container: str, namespace: str) -> dict[str, Any]:
        """The peer's ADD: a pod that is there is given again, another is made.

        Raises: ServiceError, HNS refused the endpoint; its address is free again.
        """
        endpoint = self._endpoint(container)
        if endpoint is None:
            addresses = self._allocated(container)
            try:
                endpoint = self._made(container, addresses)
            except ServiceError:
                self._release(container)
                raise
            self.node.attach(namespace, endpoint["ID"])
        return self._result(endpoint)

    def delete(self, container: str) -> None:
        """The peer's DEL: the address, then the endpoint; what is not there is done."""
        self._release(container)
        endpoint = self._endpoint(container)
        if endpoint is not None:
            self.node.hcn.endpoints.delete(endpoint["ID"])

    def _endpoint(self, container: str) -> dict[str, Any] | None:
        found = [
            one for one in self.node.simulator.dump()["endpoints"] if one["Name"] == self._name(container)
        ]
        return found[0] if found else None

    def _name(self, container: str) -> str:
        return f"{container}_{self.network}"

    def _allocated(self, container: str) -> list[str]:
        """The next pod's addresses, written down as host-local does."""
        if not self.expected.addresses:
            return []
        addresses = self.next_addresses()
        self._added += 1
        if self.case.config["ipam"]["type"] == "host-local":
            self.reservations.mkdir(parents=True, exist_ok=True)
            for number, address in enumerate(addresses):
                bare = address.partition("/")[0]
                self._file(bare).write_bytes(f"{container}\r\neth0".encode())
                (self.reservations / f"last_reserved_ip.{number}").write_text(bare)
        return addresses

    def next_addresses(self) -> list[str]:
        """The row's for the next pod; after them each one that has no file, as host-local goes on."""
        if self._added < len(self.expected.addresses):
            row = self.expected.addresses[self._added]
            if not any(self._file(address.partition("/")[0]).exists() for address in row):
                return row
        last = self.expected.addresses[-1]
        return [self._after(address) for address in last]

    def _after(self, address: str) -> str:
        interface = ipaddress.ip_interface(address)
        following = interface.ip + 1
        while self._file(str(following)).exists():
            following += 1
        return f"{following}/{interface.network.prefixlen}"

    def _file(self, address: str) -> Path:
        return self.reservations / address.replace(":", "_")

    def _release(self, container: str) -> None:
        files = [*self.reservations.iterdir()] if self.reservations.is_dir() else []
        for file in files:
            if file.read_bytes() == f"{container}\r\neth0".encode():
                file.unlink()

    def _made(self, container: str, addresses: list[str]) -> dict[str, Any]:
        routes = [
            {"NextHop": gateway, "DestinationPrefix": _DEFAULTS[6 if ":" in gateway else 4]}
            for gateway in self.expected.gateways
        ]
        bare = [address.partition("/")[0] for address in addresses]
        network = self._opened_network()
        document: dict[str, Any] = {
            "Name": self._name(container),
            "HostComputeNetwork": network,
            "IpConfigurations": [{"IpAddress": address} for address in bare],
            "Routes": routes,
            "Dns": self.expected.dns,
            "Policies": _of_pod(self.expected.policies, bare, is_second=container == PODS[2]),
            "SchemaVersion": _SCHEMA,
        }
        document = {key: value for key, value in document.items() if value != []}
        with (
            self.node.hcn.networks.open(network) as opened,
            self.node.hcn.endpoints.create(opened, document) as made,
        ):
            return made.query()

    def _opened_network(self) -> str:
        """The network's ID; it is created where it is missing."""
        found = self.node.hcn.networks.ids(Name=self.network)
        if found:
            return found[0]
        with self.node.hcn.networks.create({"Name": self.network, **self.expected.creates}) as made:
            made.query()
            return made.id

    def _result(self, endpoint: dict[str, Any]) -> dict[str, Any]:
        version = self.case.config["cniVersion"]
        old = version.startswith("0.")
        ips = []
        for number, address in enumerate(endpoint["IpConfigurations"]):
            gateway = self.expected.gateways[number : number + 1]
            family = {"version": "6" if ":" in address["IpAddress"] else "4"} if old else {}
            prefix = f"{address['IpAddress']}/{address['PrefixLength']}"
            ips.append(
                {**family, "interface": 0, "address": prefix, **({"gateway": gateway[0]} if gateway else {})}
            )
        # The peer writes the six bytes themselves where the MAC's text belongs.
        mac = bytes.fromhex(endpoint["MacAddress"].replace("-", "")).decode("latin-1")
        return {
            "cniVersion": version,
            "interfaces": [{"name": "eth0", "mac": f"six bytes: {len(mac)}"}],
            "ips": ips,
            **({"dns": {}} if old else {}),
        }


def observed_by_row(folder: Path, case: Case) -> dict[str, Observed]:
    """What each step of the case comes to by its row."""
    node = SimulatedNode(folder, management_address_after_calls=0, journal_documents=True)
    expected = told()[case.name][1]
    try:
        if case.network is not None:
            node.simulator.plant("network", case.network.document(case.config["name"], NETWORK))
        for guid in NAMESPACES.values():
            node.simulator.plant("namespace", {"ID": guid, "SchemaVersion": {"Major": 0, "Minor": 0}})
        peer = Told(node, case, expected, folder / "networks" / str(case.config["name"]))
        return {step.name: _observed(peer, step) for step in STEPS}
    finally:
        node.close()


def _observed(peer: Told, step: Step) -> Observed:
    node = peer.node
    node.simulator.reset_journal()
    works, answer = True, dict[str, Any]()
    if step.verb == "ADD" and peer.expected.refuses:
        works = False
    elif step.verb == "ADD":
        try:
            answer = peer.add(PODS[step.pod], NAMESPACES[step.pod])
        except ServiceError:
            works = False
    elif step.verb == "DEL":
        peer.delete(PODS[step.pod])
    else:
        works = peer.case.config["cniVersion"] not in ("0.2.0", "0.3.0")
    sent = [call for call in node.simulator.journal() if changes(call)]
    files = sorted(peer.reservations.iterdir()) if peer.reservations.is_dir() else []
    reserved = {file.name: file.read_bytes().decode() for file in files}
    return Observed(0 if works else 1, answer, sent, node.simulator.dump(), reserved)


def _of_pod(policies: list[dict[str, Any]], addresses: list[str], *, is_second: bool) -> list[dict[str, Any]]:
    """The policies with ADDRESS replaced by the pod's own, and its own host ports."""
    text = json.dumps(policies)
    found: list[dict[str, Any]] = json.loads(text.replace("ADDRESS", addresses[0]) if addresses else text)
    for policy in found:
        if policy["Type"] == "PortMapping" and is_second:
            policy["Settings"]["ExternalPort"] += OTHER_PORTS
    return found


def told_cases() -> Iterator[Case]:
    """Every case of the three peers that are told."""
    yield from (case for case, _ in told().values())


@cache
def told() -> dict[str, tuple[Case, Expected]]:
    """The rows, by the names of their cases."""
    document = tomllib.loads(ROWS.read_text(encoding="utf-8"))
    rows = [_row(document["base"], each) for each in document["row"]]
    return {case.name: (case, expected) for case, expected in rows}


def _row(bases: dict[str, Any], given: dict[str, Any]) -> tuple[Case, Expected]:
    base = bases[given["peer"]]
    if "file" in given:
        config = json.loads((CONF / given["file"]).read_text(encoding="utf-8"))
    else:
        config = {**json.loads(base["config"]), **json.loads(given.get("config", "{}"))}
        config = {key: value for key, value in config.items() if value is not None}
    network = {**base["network"], **given.get("network", {})}
    subnets = tuple((prefix, gateway) for prefix, gateway in network["subnets"])
    there = Network(network["type"], subnets, network.get("vsid", 0)) if network["type"] else None
    case = Case(
        given["peer"],
        {"row": given["name"]},
        config,
        there,
        json.loads(given.get("runtime", "null")),
        given.get("args", ""),
    )
    made = {**base["makes"], **given.get("makes", {})}
    return case, Expected(
        made["addresses"],
        made["gateways"],
        json.loads(made["policies"]),
        json.loads(made["dns"]),
        json.loads(made["creates"]),
        made["refuses"],
    )
