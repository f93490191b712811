"""What the checks look at: all that was read of the node, joined once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cni_hns.survey.index import Index
from cni_hns.survey.joining import pods_of

if TYPE_CHECKING:
    from cni_hns.survey.configuration import ConfigurationSeen
    from cni_hns.survey.pod import Pod
    from cni_hns.survey.seen import Seen
    from cni_hns.survey.surroundings import HostSeen

__all__ = ["Picture", "name_of"]


class Picture(NamedTuple):
    """`seen` as it was read, `lookup` to look things up in it, `pods` with their mismatches.

    `host` and `configuration` are None where they were not read.
    """

    seen: Seen
    lookup: Index
    pods: list[Pod]
    host: HostSeen | None = None
    configuration: ConfigurationSeen | None = None

    @classmethod
    def of(
        cls, seen: Seen, host: HostSeen | None = None, configuration: ConfigurationSeen | None = None
    ) -> Picture:
        """Join what was read."""
        return cls(seen, Index(seen), pods_of(seen), host, configuration)


def name_of(pod: Pod) -> str:
    """Its Kubernetes name where that is known, else its sandbox, else its namespace."""
    return pod.kubernetes.full_name or pod.id or pod.namespace
