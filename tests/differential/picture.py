"""What was observed, without what differs by nature.

IDs of endpoints, and the addresses and MACs that were chosen, are put into words: "the address of pod 1".
What was chosen stands once, under `chosen`: who chooses differently differs there, and nowhere else.
An endpoint's policies stand by their types: in which order they are given means nothing to HNS. What several
OutBoundNAT except stands once for all of them.
"""

from __future__ import annotations

import json
import re
from typing import Any

from cni_hns.simulator.core.journal import Call
from tests.differential.subject import NAMESPACES, NETWORK, PODS, Observed

__all__ = ["Picture", "picture"]

Picture = dict[str, Any]

_OF_ENDPOINT = (
    "Name",
    "HostComputeNetwork",
    "HostComputeNamespace",
    "IpConfigurations",
    "MacAddress",
    "Routes",
    "Dns",
    "Policies",
    "Flags",
)
_OF_NETWORK = ("Name", "Type", "Ipams", "Policies", "Dns", "Flags")
_SAME_FOR_ALL = {
    NETWORK: "the network",
    **{guid: f"the namespace of pod {pod}" for pod, guid in NAMESPACES.items()},
    **{container: f"pod {pod}" for pod, container in PODS.items()},
}


def picture(observed: Observed, network: str, known: dict[str, str]) -> Picture:
    """One step's picture. `known` is what is put into words; what this step chose is added to it."""
    chosen = _chosen(observed, network, known)
    words = _Words({**_SAME_FOR_ALL, **known})
    return {
        "works": observed.works,
        "result": words.put(observed.answer) if observed.works else {},
        "chosen": chosen,
        "calls": [_called(call) for call in observed.sent],
        "sent": words.put(_documents(observed.sent)),
        "endpoints": words.put(
            {one["Name"]: _members(one, _OF_ENDPOINT) for one in observed.objects["endpoints"]}
        ),
        "networks": words.put(
            {
                one["Name"]: _without_router(_members(one, _OF_NETWORK))
                for one in observed.objects["networks"]
                if one["ID"] != NETWORK
            }
        ),
        "reserved": words.put(observed.reserved),
    }


def _chosen(observed: Observed, network: str, known: dict[str, str]) -> dict[str, str]:
    """The addresses of the endpoints that this step made; those that HNS gave are anybody's."""
    chosen: dict[str, str] = {}
    known.update({one["ID"]: "the network" for one in observed.objects["networks"] if one["Name"] == network})
    for pod, container in PODS.items():
        asked = _asked(observed, f"{container}_{network}")
        known.update({each["ID"]: f"the endpoint of pod {pod}" for each in asked if each.get("ID")})
        wanted = [one["IpAddress"] for each in asked for one in each.get("IpConfigurations") or [] if one]
        for one in observed.objects["endpoints"]:
            if one["Name"] != f"{container}_{network}" or one["MacAddress"] in known:
                continue
            known[one["ID"]] = f"the endpoint of pod {pod}"
            for number, address in enumerate(one["IpConfigurations"]):
                word = f"address {number + 1} of pod {pod}" if number else f"the address of pod {pod}"
                written = f"{address['IpAddress']}/{address['PrefixLength']}"
                chosen[word] = written if wanted else "given by HNS"
                known[address["IpAddress"]] = word
            known[one["MacAddress"]] = f"the MAC of pod {pod}"
            known[one["MacAddress"].replace("-", ":")] = f"the MAC of pod {pod}, with colons"
        for refused in (one for one in wanted if one not in known):
            word = f"an address refused to pod {pod}"
            chosen[word], known[refused] = refused, word
    return chosen


def _asked(observed: Observed, name: str) -> list[dict[str, Any]]:
    """The documents by which an endpoint of this name was asked for."""
    documents = [json.loads(call.document) for call in observed.sent if call.function == "HcnCreateEndpoint"]
    return [each for each in documents if each.get("Name") == name]


def _called(call: Call) -> str:
    return f"{call.function}{f' 0x{call.hresult:08X}' if call.hresult else ''}"


def _documents(calls: list[Call]) -> dict[str, list[Any]]:
    """What was sent with each function, in order."""
    found: dict[str, list[Any]] = {}
    for call in calls:
        if call.document:
            found.setdefault(call.function, []).append(_by_type(json.loads(call.document)))
    return found


def _members(document: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _without_ids(value) for name, value in _by_type(document).items() if name in names}


def _without_router(network: dict[str, Any]) -> dict[str, Any]:
    """Without the MAC of an overlay's router, which HNS chooses."""
    policies = {name: each for name, each in network.get("Policies", {}).items() if name != "DrMacAddress"}
    return {**network, "Policies": policies}


def _by_type(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its policies by their types, and what all its OutBoundNAT except together."""
    if not document.get("Policies"):
        return {name: value for name, value in document.items() if name != "Policies"}
    policies: dict[str, Any] = {}
    for each in document["Policies"]:
        policies.setdefault(each.get("Type"), []).append(each.get("Settings"))
    policies.update(_exceptions(policies.pop("OutBoundNAT", [])))
    for settings in policies.values():
        settings.sort(key=json.dumps)
    return {**document, "Policies": policies}


def _exceptions(policies: list[Any]) -> dict[str, list[Any]]:
    """OutBoundNAT policies, those that only except networks put together."""
    excepting = [each for each in policies if isinstance(each, dict) and set(each) == {"Exceptions"}]
    others = [each for each in policies if each not in excepting]
    excepted = sorted({prefix for each in excepting for prefix in each["Exceptions"]})
    found = {"OutBoundNAT": others, "OutBoundNAT exceptions": excepted}
    if len(excepting) > 1:
        found["OutBoundNAT with exceptions"] = [len(excepting)]
    return {name: values for name, values in found.items() if values}


def _without_ids(value: Any) -> Any:
    """Without the IDs that HNS gives to parts of its objects."""
    if isinstance(value, list):
        return [_without_ids(each) for each in value]
    if isinstance(value, dict):
        return {key: _without_ids(each) for key, each in value.items() if key not in ("ID", "IpSubnetId")}
    return value


class _Words:
    """Texts with what is known in them put into words, whatever the case of its letters."""

    def __init__(self, known: dict[str, str]) -> None:
        self._known = {text.lower(): word for text, word in known.items() if text}
        # An address is no part of a longer one.
        alternatives = "|".join(re.escape(text) for text in sorted(self._known, key=len, reverse=True))
        self._pattern = re.compile(
            rf"(?<![\w.:])(?:{alternatives})(?![\w:]|\.\d)|{'|'.join(PODS.values())}", re.I
        )

    def put(self, value: Any) -> Any:
        """The same value with words."""
        if isinstance(value, dict):
            return {self.put(key): self.put(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.put(inner) for inner in value]
        if not isinstance(value, str):
            return value
        return self._pattern.sub(lambda found: self._known[found[0].lower()], value)
