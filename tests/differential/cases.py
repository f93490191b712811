"""One case: a configuration, what the runtime adds, and the node on which two pods come and go."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["CONF", "OTHER_PORTS", "Case", "Network", "written_sample"]

OTHER_PORTS = 1000
"""By so much the host ports of the second pod are higher."""

CONF = Path(__file__).parent.parent.parent / "conf"


class Network(NamedTuple):
    """The HCN network that is there before the first pod, by its type and its subnets with their gateways."""

    kind: str
    subnets: tuple[tuple[str, str], ...] = ()
    vsid: int = 0

    def document(self, name: str, guid: str) -> dict[str, Any]:
        """What HNS is given to make it."""
        return {
            "ID": guid,
            "Name": name,
            "Type": self.kind,
            "Ipams": [{"Type": "Static", "Subnets": [self._subnet(*each) for each in self.subnets]}],
        }

    def _subnet(self, prefix: str, gateway: str) -> dict[str, Any]:
        default = "::/0" if ":" in prefix else "0.0.0.0/0"
        policies = [{"Type": "VSID", "Settings": {"IsolationId": self.vsid}}] if self.vsid else []
        routes = [{"NextHop": gateway, "DestinationPrefix": default}]
        return {"IpAddressPrefix": prefix, "Routes": routes, "Policies": policies}


class Case(NamedTuple):
    """`values` are the case's own, field -> value: by them the table of differences names it."""

    peer: str
    values: dict[str, str]
    config: dict[str, Any]
    network: Network | None
    runtime: dict[str, Any] | None = None
    args: str = ""
    netns: str = ""
    """Of the first pod, where it is no namespace of HCN."""

    @property
    def name(self) -> str:
        """Unique among all cases."""
        return f"{self.peer} / " + ", ".join(f"{field} {value}" for field, value in self.values.items())

    @property
    def request(self) -> dict[str, Any]:
        """The configuration as the runtime hands it over."""
        return {**self.config, **({"runtimeConfig": self.runtime} if self.runtime else {})}

    def request_of(self, pod: int) -> dict[str, Any]:
        """The same for one of the pods: two cannot have one host port."""
        request = copy.deepcopy(self.request)
        for mapping in request.get("runtimeConfig", {}).get("portMappings", []):
            for key in mapping:
                if key.lower() == "hostport":
                    mapping[key] += (pod - 1) * OTHER_PORTS
        return request


def written_sample(name: str, peer: str, network: Network | None) -> Case:
    """The case of a file in conf/."""
    config = json.loads((CONF / name).read_text(encoding="utf-8"))
    return Case(peer, {"file": f"conf/{name}"}, config, network)
