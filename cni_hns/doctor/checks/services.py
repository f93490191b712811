"""Load balancers: those that do not bring clients to the pods of a service.

The findings are those of `cni-hns service explain`. What is wrong with an endpoint, a network or the host is
told by the checks of these things, once, and not again for each service that suffers from it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.services.fault import KINDS
from cni_hns.services.neighbourhood import Neighbourhood
from cni_hns.services.service import services_of
from cni_hns.services.walk import faults_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture
    from cni_hns.services.fault import Fault

__all__ = ["AREA"]

_TOLD_ELSEWHERE = {
    "backend-address-twice",
    "backend-wrong-node",
    "backend-without-route",
    "nat-hides-pods",
    "acl-blocks",
}
# Only what Kubernetes says tells these.
_OF_OBJECTS = {
    "load-balancer-missing",
    "backend-lacking",
    "backend-surplus",
    "policy-local",
    "wrong-port",
    "named-port-differs",
    "dsr-missing",
    "affinity-missing",
    "load-balancer-surplus",
    "no-ready-endpoints",
}

_KINDS = {
    name: Kind(kind.severity, kind.effect, kind.remedy)
    for name, kind in KINDS.items()
    if name not in _TOLD_ELSEWHERE | _OF_OBJECTS
}

_MANY = 5


def _services(picture: Picture) -> Iterator[Seen]:
    """One finding for each cause, with all front ends that it concerns."""
    ports = picture.host.ports if picture.host is not None else None
    kept = ports.kept_from_hns if ports is not None else []
    around = Neighbourhood(picture.seen, picture.lookup, picture.pods, kept)
    concerned: dict[tuple[str, str], list[str]] = defaultdict(list)
    faults: dict[tuple[str, str], Fault] = {}
    for service in services_of(around):
        for fault in faults_of(service, around):
            cause = fault.kind, fault.words
            faults[cause] = fault
            concerned[cause].append(service.frontend.words)
    for cause, fault in faults.items():
        if fault.kind in _KINDS:
            yield Seen(fault.kind, _subject(concerned[cause]), fault.words, fault.pods, fault.names)


def _subject(fronts: list[str]) -> str:
    fronts = list(dict.fromkeys(fronts))
    more = f" and {len(fronts) - _MANY} more" if len(fronts) > _MANY else ""
    return f"service{'s' if len(fronts) > 1 else ''} {', '.join(fronts[:_MANY])}{more}"


AREA = Area(_KINDS, (_services,))
