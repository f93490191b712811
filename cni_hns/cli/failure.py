"""What a command cannot do, and how that is told: a line for people, and an object for programs."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Failure", "failure_document", "wants_json"]

_OUTPUT = ("-o", "--output")


class Failure(Exception):
    """A command cannot do what was asked; `str()` is the one line that says so."""


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether JSON was asked for, in a line that may be wrong otherwise.

    What follows a `--` is somebody else's command line.
    """
    ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
    joined = {f"{option}{separator}json" for option in _OUTPUT for separator in ("", "=")}
    apart = {(option, "json") for option in _OUTPUT}
    return not {"--json", *joined}.isdisjoint(ours) or not apart.isdisjoint(pairwise(ours))


def failure_document(fault: Exception, words: str, exit_code: int) -> dict[str, Any]:
    """What stands on stdout under `--json` where nothing else does.

    `code` is CNI's, `hresult` is HNS's and HCS's, where the failure has one.
    """
    told = {"message": words, "exitCode": exit_code}
    code, hresult = getattr(fault, "code", None), getattr(fault, "hresult", None)
    if isinstance(code, int):
        told["code"] = code
    if isinstance(hresult, int):
        told["hresult"] = f"0x{hresult:08X}"
    return {"error": told}
