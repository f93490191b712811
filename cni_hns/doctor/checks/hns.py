"""The service HNS: started just now, or since the pods; networks that are gone with all that was on them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from cni_hns.doctor.causes import causes
from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.doctor.picture import HNS_SETTLED_S, listed, name_of
from cni_hns.doctor.restarts import was_before_boot, was_before_hns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture
    from cni_hns.survey.pod import Pod

__all__ = ["AREA"]

_KINDS: dict[str, Kind] = {
    "hns-silent": Kind(
        "ill",
        "no pod gets a network and none can be deleted; what the running ones have is not known here",
        "`Get-Service hns` and the event log Microsoft-Windows-Host-Network-Service-Admin; once it answers "
        "again: `cni-hns doctor --repair`",
    ),
    "hcs-silent": Kind(
        "warning",
        "while it does not answer no container starts or ends; which of them run is not known here",
        "`Get-Service vmcompute` and the event log Microsoft-Windows-Hyper-V-Compute-Admin",
    ),
    "hns-starting": Kind(
        "warning",
        "what it does not have yet says nothing about pods",
        "wait a minute, then `cni-hns doctor`",
    ),
    "hns-restarted": Kind(
        "ill",
        "these pods run and have no network",
        "cni-hns doctor --repair",
        "heal",
    ),
    "pods-before-restart": Kind(
        "warning",
        "none of these pods runs; their addresses stay held",
        "cni-hns gc",
        "gc",
    ),
    "network-missing": Kind(
        "ill",
        "these pods have no network, and new ones get none until it is there",
        "`cni-hns network list`; once the network is there again (the next ADD makes it where the "
        "configuration says create): `cni-hns doctor --repair`",
        "heal",
    ),
}


def _silent(picture: Picture) -> Iterator[Seen]:
    seen = picture.seen
    if seen.of_hns and None in (seen.namespaces, seen.endpoints, seen.networks):
        yield Seen("hns-silent", "the service hns", "; ".join(seen.of_hns))
    if seen.of_hcs:
        yield Seen("hcs-silent", "the service vmcompute", "; ".join(seen.of_hcs))


def _starting(picture: Picture) -> Iterator[Seen]:
    if picture.hns_is_starting:
        since = f"HNS was started {picture.seen.hns_uptime_s:.0f} s ago"
        yield Seen(
            "hns-starting",
            "the service hns",
            f"{since}; in its first {HNS_SETTLED_S:.0f} s it may not have loaded everything",
        )


def _restarted(picture: Picture) -> Iterator[Seen]:
    """All pods whose endpoints went with one restart are one finding."""
    dark = _with("endpoint-missing", picture)
    if dark:
        lost = listed(row.endpoint_id or "" for pod in dark for row in pod.attachments)
        words = f"{_started(picture, dark)} and does not have their endpoints: {lost}"
        yield Seen("hns-restarted", f"{len(dark)} {_pods(dark)}", words, _names(dark))


def _gone_with_it(picture: Picture) -> Iterator[Seen]:
    gone = _with("namespace-missing", picture)
    if gone:
        words = f"{_started(picture, gone)} and does not have their namespaces"
        yield Seen("pods-before-restart", f"{len(gone)} {_pods(gone)}", words, _names(gone))


def _networks(picture: Picture) -> Iterator[Seen]:
    lost: dict[str, list[Pod]] = defaultdict(list)
    for pod in picture.pods:
        if any(one.kind == "network-missing" for one in causes(pod)):
            for row in pod.attachments:
                if row.hcn_network_id and row.hcn_network_id not in picture.lookup.networks:
                    lost[row.hcn_network_id].append(pod)
    for network, pods in lost.items():
        names = listed(f'"{row.key.network}"' for pod in pods for row in pod.attachments)
        words = f"HNS does not have it; it was of network configuration {names}"
        yield Seen("network-missing", f"HCN network {network}", words, _names(pods))


def _with(kind: str, picture: Picture) -> list[Pod]:
    """The pods that were added before HNS was started, and have this cause."""
    if picture.hns_is_starting:
        return []
    return [
        pod
        for pod in picture.pods
        if was_before_hns(picture, pod) and any(one.kind == kind for one in causes(pod))
    ]


def _started(picture: Picture, pods: list[Pod]) -> str:
    machine = " with the machine" if all(was_before_boot(picture, pod) for pod in pods) else ""
    return f"HNS was started{machine} {_ago(picture.seen.hns_uptime_s)} ago, after their ADD,"


def _ago(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"


def _pods(pods: list[Pod]) -> str:
    return "pod" if len(pods) == 1 else "pods"


def _names(pods: list[Pod]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name_of(pod) for pod in pods))


AREA = Area(_KINDS, (_silent, _starting, _restarted, _gone_with_it, _networks))
