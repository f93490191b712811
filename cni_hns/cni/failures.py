"""From any exception to the CNI error that the runtime gets: the one table of codes.

The layers below raise exceptions of their own and know nothing of CNI codes. They are told by class name, so
that nothing has to be imported to tell them; a class may also carry its code as `cni_code`.
"""

from __future__ import annotations

import re

from cni_hns.cni.errors import (
    BAD_VARIABLE,
    HNS_REFUSED,
    INTERNAL,
    INVALID_CONFIG,
    LEDGER_FAULT,
    NO_ADDRESS,
    NOT_READY,
    TRY_AGAIN,
    CniError,
)

__all__ = ["as_cni_error", "trace"]

_CODES = {
    "ConfigFault": INVALID_CONFIG,
    "EndpointFault": INVALID_CONFIG,
    "LedgerBusy": TRY_AGAIN,
    "LedgerFault": LEDGER_FAULT,
    "RangeExhausted": NO_ADDRESS,
    "AddressUnavailable": NO_ADDRESS,
    "ServiceError": HNS_REFUSED,
}

# go-cni takes a DEL error with such words for a success and forgets the attachment, whatever was left.
_WORDS_OF_SUCCESS = {"not found": "absent", "no such file or directory": "absent from the file system"}


def as_cni_error(fault: BaseException, command: str) -> CniError:
    """The error document's content for whatever ended this verb.

    STATUS answers 50 for all that would make an ADD fail on this node (CNI SPEC, section 2, "STATUS"); the
    error of a DEL never reads like a success.
    """
    error = _with_notes(_translated(fault, command), fault)
    if (
        command == "STATUS"
        and (error.code == TRY_AGAIN or error.code >= HNS_REFUSED)
        and error.code != INTERNAL
    ):
        return CniError(NOT_READY, error.msg, error.details)
    if command == "DEL":
        return CniError(error.code, _reworded(error.msg), _reworded(error.details))
    return error


def trace(fault: BaseException) -> list[str]:
    """Where an exception and its causes came from, innermost cause last.

    The exceptions' own texts are left out: an unforeseen one may quote a configuration, secrets included.
    """
    lines: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = fault
    # An exception may be its own cause, or that of one of its causes.
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        lines.append(type(link).__name__)
        step = link.__traceback__
        while step is not None:
            code = step.tb_frame.f_code
            lines.append(f"  {code.co_filename}:{step.tb_lineno} in {code.co_name}")
            step = step.tb_next
        link = link.__cause__ or link.__context__
    return lines


def _translated(fault: BaseException, command: str) -> CniError:
    if isinstance(fault, CniError):
        return fault
    code = _code(fault)
    if code is not None:
        return CniError(code, str(fault))
    if isinstance(fault, KeyboardInterrupt):
        return CniError(INTERNAL, f"{command} was interrupted", "run DEL, or repeat the call")
    return CniError(
        INTERNAL,
        f"{command} ended with an unforeseen {type(fault).__name__}",
        "the log says where, if the configuration names one; run DEL, or repeat the call",
    )


def _code(fault: BaseException) -> int | None:
    own = getattr(fault, "cni_code", None)
    if isinstance(own, int):
        return own
    paths = [finding.path for finding in getattr(fault, "findings", ())]
    if paths and all(path.startswith("CNI_ARGS") for path in paths):
        return BAD_VARIABLE
    return next((_CODES[kind.__name__] for kind in type(fault).__mro__ if kind.__name__ in _CODES), None)


def _with_notes(error: CniError, fault: BaseException) -> CniError:
    """Notes say what else went wrong on the way out: what could not be undone, what could not be closed."""
    notes = getattr(fault, "__notes__", [])
    if not notes:
        return error
    return CniError(error.code, error.msg, "; ".join(part for part in (error.details, *notes) if part))


def _reworded(text: str) -> str:
    for words, instead in _WORDS_OF_SUCCESS.items():
        text = re.sub(re.escape(words), instead, text, flags=re.IGNORECASE)
    return text
