"""From front end to pod: what is wrong with a service, in the order in which a packet meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.services import at_front, back_ends, from_pods, source_vip
from cni_hns.services.fault import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.services.fault import Fault
    from cni_hns.services.neighbourhood import Neighbourhood
    from cni_hns.services.service import Service

__all__ = ["faults_of", "is_ill", "remedy"]

_CHECKS = (*at_front.CHECKS, *source_vip.CHECKS, *back_ends.CHECKS, *from_pods.CHECKS)


def faults_of(service: Service, around: Neighbourhood) -> list[Fault]:
    """All of them, the first being the one that a packet meets first; none for a healthy service.

    What is only a warning comes last. A load balancer that is not whole is not looked into.
    """
    found = list(_walk(service, around))
    return sorted(found, key=lambda one: KINDS[one.kind].severity != "ill")


def is_ill(faults: list[Fault]) -> bool:
    """Whether clients do not get through."""
    return any(KINDS[one.kind].severity == "ill" for one in faults)


def remedy(fault: Fault) -> str:
    """What to do next, with the names of this case."""
    return KINDS[fault.kind].remedy.format(**fault.names)


def _walk(service: Service, around: Neighbourhood) -> Iterator[Fault]:
    for check in _CHECKS:
        for fault in check(service, around):
            yield fault
            if fault.kind == "load-balancer-half-made":
                return
