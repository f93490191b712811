"""What one ADD asks for, read and checked before anything is done; fixed from then on."""

from __future__ import annotations

import json

from cni_hns.attachment import places
from cni_hns.cni.result import Result, dump, merge
from cni_hns.dialects.compile import digest
from cni_hns.dialects.wanted import range_sets, read_wanted
from cni_hns.node.plans import kept_plan, plan_for
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from cni_hns.attachment.attachment import Attachment
    from cni_hns.attachment.place import Place
    from cni_hns.dialects.plan import AttachmentPlan, RangePlan
    from cni_hns.dialects.wanted import Wanted

__all__ = ["Asked", "plan_in"]

# How a call answers, logs and waits: no part of what is asked for.
_OF_THE_CALL_ONLY = frozenset(["cniversion", "cniversions", "log", "timeout"])


class Asked(NamedTuple):
    """The configuration's plan, what the runtime adds to it, and the place for the endpoint.

    `fingerprint` tells a repeated ADD from another one.
    """

    plan: AttachmentPlan
    wanted: Wanted
    place: Place
    fingerprint: str

    @classmethod
    def of(cls, attachment: Attachment) -> Self:
        """Read and check everything that can be checked without HNS.

        Raises:
            ConfigFault: with all faults of the configuration, or of what the runtime adds to it.
            CniError: code 4, where CNI_NETNS is no place; 7, where the version cannot say what is asked.
        """
        request, node = attachment.request, attachment.node
        row = attachment.row()
        if row is not None and row.phase == "ready":
            plan = plan_for(request, node)  # a repeated ADD only reads
        else:
            plan = kept_plan(request, node)
        wanted = read_wanted(plan, request.config, request.arguments)
        if plan.ipam.kind == "dhcp":
            # The address comes later, and versions before 0.3.0 cannot say "no address".
            dump(merge(request.prev_result, Result()), request.version)
        variables = request.variables
        place = places.asked(variables.netns, variables.container_id, hns_v1=plan.hns_v1)
        return cls(plan_in(place, plan), wanted, place, _fingerprint(request.config, wanted))

    @property
    def range_sets(self) -> list[list[RangePlan]]:
        """The sets to allocate from, the runtime's first."""
        return range_sets(self.plan, self.wanted)


def plan_in(place: Place, plan: AttachmentPlan) -> AttachmentPlan:
    """The plan as it holds in this place: the addresses of a shared endpoint are another attachment's."""
    return plan._replace(ipam=plan.ipam._replace(kind="shared")) if place.is_shared else plan


def _fingerprint(config: dict[str, Any], wanted: Wanted) -> str:
    """What makes two ADDs the same request, as JSON: the configuration's digest and what the runtime adds."""
    asked = {key: value for key, value in config.items() if key.lower() not in _OF_THE_CALL_ONLY}
    document = json.loads(json.dumps(wanted._asdict()))
    del document["notes"]
    return json.dumps({"configuration": digest(asked), **document}, sort_keys=True)
