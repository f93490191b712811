"""HNS V1: the JSON REST call, for what the V2 functions do not tell.

The version of HNS, the state of an endpoint, and one list of all endpoints with their addresses in one call.
"""

from __future__ import annotations

import json

from cni_hns.binding.errors import MalformedAnswer, service_error
from cni_hns.binding.reading import is_address, member
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cni_hns.binding.service import Service

__all__ = ["STATES", "Hns", "state_words"]

# hcsshim's names of the numbers; Microsoft publishes none.
STATES = {
    0: "uninitialized",
    1: "created",
    2: "attached to one container",
    3: "attached and shared by containers",
    4: "detached: its container is gone",
    5: "degraded: attaching or reloading it failed",
    6: "destroyed",
}

_UNSPECIFIED = 0x80004005


def state_words(number: int | None) -> str:
    """An endpoint's state in words; "" where a document does not tell it."""
    return "" if number is None else STATES.get(number, f"unknown state {number}")


class Hns:
    """The V1 client."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def version(self) -> tuple[int, int]:
        """(major, minor) of the HNS that runs.

        Raises:
            ServiceError: HNS failed; before Windows 1803 it does not know the question.
        """
        output = self.request("GET", "/globals/version")
        version = output if isinstance(output, dict) else {}
        major, minor = member(version, "Major"), member(version, "Minor")
        if not isinstance(major, int) or not isinstance(minor, int):
            raise MalformedAnswer("HNSCall GET /globals/version", "", 0, "a version without Major and Minor")
        return major, minor

    def endpoint_state(self, guid: str) -> tuple[int, str]:
        """The endpoint's state as HNS's number and in words; V2 documents do not always have it.

        Raises:
            NotFound: HNS has no such endpoint.
        """
        output = self.request("GET", f"/endpoints/{guid}")
        state = member(output, "State") if isinstance(output, dict) else None
        number = state if isinstance(state, int) else 0
        return number, state_words(number)

    def management_address(self, network: str) -> str:
        """The host's own address on the network; "" while HNS shows none.

        Raises:
            NotFound: HNS has no such network.
        """
        output = self.request("GET", f"/networks/{network}")
        address = member(output, "ManagementIP") if isinstance(output, dict) else None
        return address if isinstance(address, str) and is_address(address) else ""

    def endpoints(self) -> list[dict[str, Any]]:
        """All endpoints of the node in the V1 shape, in one call; not for the straight path of a verb."""
        output = self.request("GET", "/endpoints/")
        return [one for one in output if isinstance(one, dict)] if isinstance(output, list) else []

    def port_pools(self) -> list[dict[str, Any]]:
        """Host ports that HNS has reserved, as it tells them: no page says in which shape."""
        output = self.request("GET", "/portpools")
        return [one for one in output if isinstance(one, dict)] if isinstance(output, list) else []

    def request(self, method: str, path: str, body: str = "") -> Any:
        """The `Output` of the answer's envelope.

        Raises:
            ServiceError: the call failed, or its envelope says that the operation did.
        """
        operation = f"HNSCall {method} {path}"
        text = self._service.hns_call(method, path, body)
        try:
            envelope = json.loads(text)
        except (ValueError, RecursionError) as fault:
            raise MalformedAnswer(operation, "", 0, text) from fault
        if not isinstance(envelope, dict):
            raise MalformedAnswer(operation, "", 0, text)
        if not member(envelope, "Success"):
            raise _failure(operation, envelope)
        return member(envelope, "Output")


def _failure(operation: str, envelope: dict[str, Any]) -> Exception:
    """Older services give no code; the text is then all there is, and never taken for "not found"."""
    code = member(envelope, "ErrorCode")
    hresult = code & 0xFFFFFFFF if isinstance(code, int) else _UNSPECIFIED
    return service_error(operation, "", hresult, envelope)
