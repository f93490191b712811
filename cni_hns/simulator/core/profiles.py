"""Nodes by name: what the options say together of one release of Windows.

Rule: every profile sets the same options: a node that takes another profile keeps nothing of the last.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from cni_hns.simulator.core.errors import E_FAIL
from cni_hns.simulator.core.versions import Version

__all__ = ["PROFILES", "Profile", "UnknownProfile", "options_of"]


class UnknownProfile(TypeError):
    """There is no profile of this name; the message has those that there are."""


class Profile(NamedTuple):
    """One release: its HNS, the build of Windows, and the faults that no version number stands for.

    The features, and the faults that come with a version, are those of `versions`.
    """

    hns: Version
    build: int
    first_lb_delete_hresult: int = 0

    @property
    def options(self) -> dict[str, Any]:
        """What the node is told."""
        return {
            "hns_version": list(self.hns),
            "windows_build": self.build,
            "first_lb_delete_hresult": self.first_lb_delete_hresult,
        }


PROFILES = {
    # kube-proxy tries the delete of a load balancer once more; the code of the first try is not reported.
    "server-2019": Profile((9, 3), 17763, first_lb_delete_hresult=E_FAIL),
    "server-2022": Profile((13, 3), 20348),
    "server-2025": Profile((15, 4), 26100),
    "server-2025-updated": Profile((16, 0), 26100),
}


def options_of(name: str) -> dict[str, Any]:
    """The options of the profile of this name; none for "".

    Raises:
        UnknownProfile: there is none.
    """
    if not name:
        return {}
    if name not in PROFILES:
        raise UnknownProfile(f"unknown profile {name}; there are {', '.join(PROFILES)}")
    return PROFILES[name].options
