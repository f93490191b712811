"""What each column of the ledger may hold.

STRICT tables and their constraints hold this against whoever writes; against a disk, or a hand that edits the
file, only the reader can. What is wrong there is found here, before anybody works with it.
"""

from __future__ import annotations

import json

from cni_hns.binding.reading import is_address
from cni_hns.identity import guid, is_pod_word, shared_with
from cni_hns.ledger.seal import opened_or_older
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["KINDS", "POD_COLUMNS", "misfits"]

POD_COLUMNS = ("pod_namespace", "pod_name", "pod_uid", "pod_infra_container_id")
"""In the order of `identity.KubernetesPod`."""

_ADDRESS_BYTES = 16
_LONGEST_PREFIX = 128
_HIGHEST_PID = 2**32 - 1

_MAYBE_TEXT = (str, type(None))
_MOMENT = (float, int)
_MAYBE_MOMENT = (float, int, type(None))

KINDS: dict[str, Any] = {
    **dict.fromkeys(("network", "container_id", "ifname", "phase", "owner_started", "owner_boot_id"), str),
    **dict.fromkeys(("token", "text", "range_set", "origin", "state"), str),
    **dict.fromkeys(("digest", "program", "document", "name", "hcn_id", "value"), str),
    **dict.fromkeys(("pool", "block_state"), str),
    **dict.fromkeys(("endpoint_id", "hcn_network_id", "namespace_id"), _MAYBE_TEXT),
    **dict.fromkeys(("fingerprint", "request", "result", "gateway", "plugin", "v1_netns"), _MAYBE_TEXT),
    **dict.fromkeys(POD_COLUMNS, _MAYBE_TEXT),
    **dict.fromkeys(("owner_pid", "prefix", "sequence", "delete_begun"), int),
    **dict.fromkeys(("deadline_at", "updated_at", "kept_at", "look_at"), _MOMENT),
    **dict.fromkeys(("until", "gone_at"), _MAYBE_MOMENT),
    **dict.fromkeys(("address", "first", "last"), bytes),
}
"""The Python types of each column's values; names mean the same in all tables."""


def misfits(names: Sequence[str], *, deep: bool) -> Callable[[Sequence[Any]], str | None]:
    """What names the first column of a row whose value cannot be one of ours; None where all may be.

    `deep` also reads documents that are kept as text: for one row, not for a list of thousands.
    """
    kinds = [KINDS.get(name, object) for name in names]
    known = {**_CHECKS, **_DEEP_CHECKS} if deep else _CHECKS
    checks = [(place, name, known[name]) for place, name in enumerate(names) if name in known]

    def misfit(row: Sequence[Any]) -> str | None:
        if not all(map(isinstance, row, kinds)):
            return next(
                name
                for name, value, kind in zip(names, row, kinds, strict=True)
                if not isinstance(value, kind)
            )
        for place, name, check in checks:
            if row[place] is not None and not check(row[place]):
                return name
        return None

    return misfit


def _is_guid(text: str) -> bool:
    return guid(text) is not None


def _is_number_of_an_address(blob: bytes) -> bool:
    return len(blob) == _ADDRESS_BYTES


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(opened_or_older(text))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_object(text: str) -> bool:
    return _object(text) is not None


def _is_result(text: str) -> bool:
    """What `dump` wrote; empty where an attachment was restored without one."""
    document = _object(text) if text else {}
    return (
        document is not None
        and isinstance(document.get("dns", {}), dict)
        and _all(document.get("interfaces", []), lambda one: _texts(one, "name"))
        and _all(document.get("routes", []), lambda one: _texts(one, "dst"))
        and _all(document.get("ips", []), lambda one: _texts(one, "address"))
    )


def _is_endpoint(text: str) -> bool:
    """What later verbs read of the document that HNS was sent."""
    document = _object(text)
    return (
        document is not None
        and isinstance(document.get("Dns", {}), dict)
        and _all(document.get("Routes", []), lambda one: _texts(one, "DestinationPrefix", "NextHop"))
        and _all(document.get("IpConfigurations", []), lambda one: _texts(one, "IpAddress"))
        and _all(document.get("Policies", []), lambda one: _texts(one, "Type"))
    )


def _all(values: object, fits: Callable[[dict[str, Any]], bool]) -> bool:
    return isinstance(values, list) and all(isinstance(one, dict) and fits(one) for one in values)


def _texts(one: dict[str, Any], *names: str) -> bool:
    return all(isinstance(one.get(name), str) for name in names)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "phase": lambda word: word in ("adding", "ready", "deleting", "tombstone"),
    "origin": lambda word: word in ("allocated", "adopted", "hns", "reserved"),
    "state": lambda word: word in ("held", "quarantined", "entombed"),
    "block_state": lambda word: word in ("held", "draining", "lost"),
    "owner_pid": lambda pid: 0 < pid <= _HIGHEST_PID,
    "prefix": lambda length: 0 <= length <= _LONGEST_PREFIX,
    **dict.fromkeys(("endpoint_id", "hcn_network_id", "namespace_id", "hcn_id"), _is_guid),
    "v1_netns": lambda netns: netns == "none" or bool(shared_with(netns)),
    **dict.fromkeys(("text", "gateway"), is_address),
    **dict.fromkeys(POD_COLUMNS, is_pod_word),
    **dict.fromkeys(("address", "first", "last"), _is_number_of_an_address),
}
_DEEP_CHECKS: dict[str, Callable[[Any], bool]] = {
    "request": _is_endpoint,
    "result": _is_result,
    "fingerprint": _is_object,
}
