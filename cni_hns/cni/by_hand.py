"""What a runtime would ask, for what is done without one: GC by hand, healing, addresses by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cni_hns.cni.protocol import LATEST
from cni_hns.cni.request import Request
from cni_hns.cni.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["requests_with"]


def requests_with(given: Mapping[str, Any], path: Sequence[str] = ()) -> Callable[[str], Request]:
    """The request for each network: with this configuration where it is the network's, else with a bare one.

    `path` are the folders of an external IPAM plugin.
    """

    def request(network: str) -> Request:
        known = given if given.get("name") == network else {"name": network, "type": "cni-hns"}
        document = {**known, "cniVersion": LATEST}
        variables = Variables("GC", "", "", "", "", list(path))
        return Request(variables, LATEST, network, document, json.dumps(document).encode(), None, {})

    return request
