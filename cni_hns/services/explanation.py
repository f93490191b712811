"""One answer about one front end: what it is, what is wrong first, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cni_hns.services.drift import drift_of, missing
from cni_hns.services.expected import expected_of
from cni_hns.services.fault import KINDS, Fault
from cni_hns.services.service import services_of
from cni_hns.services.walk import faults_of, is_ill, remedy

if TYPE_CHECKING:
    from cni_hns.services.expected import Expected
    from cni_hns.services.frontend import Frontend
    from cni_hns.services.neighbourhood import Neighbourhood
    from cni_hns.services.objects import Objects
    from cni_hns.services.service import Service

__all__ = ["Explanation", "Wanted", "explain_all"]


class Wanted(NamedTuple):
    """What Kubernetes wants: its objects, and what it calls this node."""

    objects: Objects
    node: str


class Explanation(NamedTuple):
    """`service` is None where HNS has no load balancer there, `wanted` where no Service is known of it.

    `faults` are in the order in which a packet meets them.
    """

    frontend: Frontend
    service: Service | None
    wanted: Expected | None
    faults: list[Fault]

    @property
    def verdict(self) -> str:
        """ "ok", "warning" or "ill"."""
        if is_ill(self.faults):
            return "ill"
        return "warning" if self.faults else "ok"

    @property
    def name(self) -> str:
        """The Service's, where that is known."""
        return self.wanted.service.full_name if self.wanted else ""

    @property
    def kind(self) -> str:
        """As the Service says; as the load balancer's shape does where no Service is known."""
        if self.wanted:
            return self.wanted.kind
        return self.service.kind if self.service else ""

    @property
    def next_step(self) -> str:
        """What mends the first fault."""
        return remedy(self.faults[0]) if self.faults else ""


def explain_all(around: Neighbourhood, wanted: Wanted | None = None) -> list[Explanation]:
    """Every front end that HNS has, and every one that it should have."""
    expected = {one.frontend: one for one in _expected(wanted)}
    there = [_explained(one, expected.get(one.frontend), around, wanted) for one in services_of(around)]
    served = {one.frontend for one in there}
    absent = [
        Explanation(one.frontend, None, one, [fault] if fault else [])
        for one in expected.values()
        if one.frontend not in served and not one.is_optional
        for fault in [missing(one, around)]
    ]
    return [*there, *absent]


def _expected(wanted: Wanted | None) -> list[Expected]:
    if wanted is None:
        return []
    return [one for service in wanted.objects.services for one in expected_of(service, wanted.node)]


def _explained(
    service: Service, expected: Expected | None, around: Neighbourhood, wanted: Wanted | None
) -> Explanation:
    faults = faults_of(service, around)
    if expected is not None:
        faults += drift_of(service, expected, around)
    elif wanted is not None and wanted.objects.is_whole:
        words = f"no Service has {service.frontend.words}, and load balancer {service.balancer.id} serves it"
        faults.append(Fault("load-balancer-surplus", words))
    faults.sort(key=lambda one: KINDS[one.kind].severity != "ill")
    return Explanation(service.frontend, service, expected, faults)
