"""The network configuration of the demo: a sample or the caller's own, moved onto the simulated node."""

from __future__ import annotations

import os
import sys
import sysconfig
from typing import Any

from cni_hns.cli.configurations import plugin_configuration
from cni_hns.cli.failure import Failure
from cni_hns.dialects.recognise import NATIVE, recognise

__all__ = ["default_configuration", "on_the_demo_node"]

_SAMPLE = "l2bridge.conf"
_TIMEOUT_S = 120


def default_configuration() -> str:
    """The plain sample: of the source tree this package lies in, else of the installation."""
    here = os.path.dirname(os.path.abspath(__file__))
    project = os.path.dirname(os.path.dirname(os.path.dirname(here)))
    folders = [
        os.path.join(getattr(sys, "_MEIPASS", project), "conf"),
        os.path.join(sysconfig.get_path("data"), "share", "cni-hns", "conf"),
        os.path.join(
            sysconfig.get_path("data", sysconfig.get_preferred_scheme("user")), "share", "cni-hns", "conf"
        ),
    ]
    for folder in folders:
        path = os.path.join(folder, _SAMPLE)
        if os.path.isfile(path):
            return path
    raise Failure(
        f'the sample "{_SAMPLE}" is in none of {", ".join(folders)}; name a configuration by --config'
    )


def on_the_demo_node(path: str, folder: str) -> dict[str, Any]:
    """The configuration in this file with each path in it that a verb writes to moved into `folder`.

    Raises:
        Failure: the file cannot be used.
        ConfigFault: it is in no dialect of this plugin.
    """
    document = plugin_configuration(path)
    moved = {key: value for key, value in document.items() if key.lower() != "datadir"}
    moved["dataDir"] = os.path.join(folder, "cni-hns")
    # The first start on a cold machine can take seconds; a slow disk is nothing to demonstrate.
    moved.setdefault("timeout", _TIMEOUT_S)
    if recognise(document)[0] == NATIVE:
        moved["log"] = {"file": os.path.join(folder, "cni-hns.log"), "level": "debug"}
    ipam = moved.get("ipam")
    if isinstance(ipam, dict) and str(ipam.get("type", "")).removesuffix(".exe").lower() == "host-local":
        # host-local's own folder is the machine's: its reservations are not this node's.
        kept = {key: value for key, value in ipam.items() if key.lower() != "datadir"}
        moved["ipam"] = {**kept, "dataDir": os.path.join(folder, "host-local")}
    return moved
