"""What the checks look at: all that was read of the node, joined once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cni_hns.survey.index import Index
from cni_hns.survey.joining import pods_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cni_hns.ledger import AttachmentKey
    from cni_hns.survey.configuration import ConfigurationSeen
    from cni_hns.survey.pod import Pod
    from cni_hns.survey.seen import Seen
    from cni_hns.survey.surroundings import HostSeen

__all__ = ["HNS_SETTLED_S", "Picture", "listed", "name_of"]

HNS_SETTLED_S = 60.0
"""In its first minute HNS may not have loaded everything, and what it lacks proves nothing."""


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

    @property
    def hns_is_starting(self) -> bool:
        """Whether HNS has just started; where nobody knows since when it runs, it has not."""
        return 0.0 < self.seen.hns_uptime_s < HNS_SETTLED_S

    def is_at_work(self, key: AttachmentKey) -> bool:
        """Whether a process works on this attachment, or on another one of its container."""
        return any(one.container_id == key.container_id for one in self.seen.at_work)

    def runs(self, container_id: str) -> bool:
        """Whether HCS has the container, or the runtime says that its sandbox is ready."""
        told = self.lookup.told.get(container_id)
        return self.lookup.sandbox(container_id) is not None or (told is not None and told.is_ready)


def name_of(pod: Pod) -> str:
    """Its Kubernetes name where that is known, else its sandbox, else its namespace."""
    return pod.kubernetes.full_name or pod.id or pod.namespace


def listed(words: Iterable[str]) -> str:
    """One after the other, each once."""
    return ", ".join(dict.fromkeys(words))
