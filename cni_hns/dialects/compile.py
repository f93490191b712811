"""From a configuration to its plan, and the digest under which a plan may be kept.

Rule: the digest covers exactly what `compile_plan` sees. What the runtime adds to each call (`runtimeConfig`,
`args`, `prevResult`, `cni.dev/...`) is in neither; `read_wanted` checks it on every call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from cni_hns.digests import sha256
from cni_hns.typed import Any

from .findings import ConfigFault, Finding
from .plan import AttachmentPlan

__all__ = ["ConfigFault", "Finding", "compile_plan", "digest"]

_OF_THE_CALL = ("runtimeconfig", "args", "prevresult")


def _kept(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if not _comes_with_the_call(key.lower())}


def _comes_with_the_call(folded: str) -> bool:
    return folded in _OF_THE_CALL or folded.startswith("cni.dev/")


def digest(config: Mapping[str, Any], executable: str = "") -> str:
    """Hexadecimal text that two configurations share only if `compile_plan` treats them alike.

    Keys are not sorted: where two spellings of one key occur, the later one counts, so order is content.
    """
    text = json.dumps([executable, _kept(config)], separators=(",", ":"))
    return sha256(text.encode("ascii"))


def compile_plan(config: Mapping[str, Any], executable: str = "") -> AttachmentPlan:
    """The checked plan of this configuration.

    `executable` is this program's own file name, which tells the dialect where `type` does not.
    Raises: ConfigFault with all findings.
    """
    from .build import build_plan

    return build_plan(_kept(config), executable)
