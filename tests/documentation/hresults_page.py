"""docs/hns-errors.md: every code of HNS, HCS and Windows that the program can put into words."""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.binding.hcn_codes import HCN_CODES
from cni_hns.binding.hcs_codes import HCS_CODES, OLD_API_CODES
from cni_hns.binding.win32_codes import WIN32_CODES
from tests.documentation.markdown import cell, table

__all__ = ["page"]

_BEGINNING = """\
# Errors of HNS, HCS and Windows

<!-- Made from the program by `python -m tests.documentation`. -->

What a code means with which HNS, HCS or Windows refuses something. Each message of this program has it
with its name, its meaning and the next step, so nobody has to look here for it. The page is for codes that
are met elsewhere: in containerd's log, in an event log, in a thread. The codes of the plugin itself are in
[Errors](errors.md)."""

_Table = Mapping[int, tuple[str, str, str]]
_PARTS: dict[str, tuple[str, _Table]] = {
    "The Host Compute Network": (
        "Facility 0x3B: HNS itself ([Microsoft's list](https://learn.microsoft.com/virtualization/api/hcn/Reference/HCNHResult)).",
        HCN_CODES,
    ),
    "The Host Compute System": (
        "Facility 0x37: HCS, which runs the containers "
        "([Microsoft's list](https://learn.microsoft.com/virtualization/api/hcs/Reference/HCSHResult)). "
        "The older API has the same as `0xC037....`.",
        HCS_CODES,
    ),
    "The older API of HCS": ("vmcompute.dll only.", OLD_API_CODES),
    "Windows": ("Codes of Windows as HNS and HCS hand them on.", WIN32_CODES),
}


def page() -> str:
    """The whole page."""
    parts = (f"## {title}\n\n{words}\n\n{_rows(codes)}" for title, (words, codes) in _PARTS.items())
    return "\n\n".join([_BEGINNING, *parts]) + "\n"


def _rows(codes: _Table) -> str:
    rows = (
        [f"`0x{code:08X}`", f"`{name}`", cell(meaning), cell(next_step)]
        for code, (name, meaning, next_step) in sorted(codes.items())
    )
    return table(["code", "name", "means", "next"], rows)
