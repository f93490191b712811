"""What an answer, or its absence, means: documents for the caller, or a fault in words for a person.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/: what the API server refuses,
it refuses with a Status. Who answers 404 without one may be anybody: a proxy whose API server is away.
"""

from __future__ import annotations

import errno
import http.client
import json
import math
import ssl
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from cni_hns.cluster.api.faults import (
    ApiFault,
    Away,
    Closed,
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    Missing,
    Strange,
    Unauthorized,
    Untrusted,
)
from cni_hns.cluster.api.tls import BadCertificate
from cni_hns.log import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cni_hns.cluster.api.asked import Asked
    from cni_hns.cluster.api.credentials import Access

__all__ = ["Answer", "Words"]

_LONGEST_QUOTE = 300
# An API server that does not know a path: a resource whose definition was not applied.
_NO_SUCH_PATH = b"404 page not found"

# What a proxy may say for an API server, and means the same by it.
_BY_ANYBODY = {
    http.HTTPStatus.UNAUTHORIZED,
    http.HTTPStatus.REQUEST_TIMEOUT,
    http.HTTPStatus.TOO_MANY_REQUESTS,
}

# OpenSSL's X509_V_ERR_… numbers.
_NOT_YET_VALID, _HAS_EXPIRED, _OTHER_HOST, _OTHER_ADDRESS = 9, 10, 62, 64
_CERTIFICATE_WORDS = {
    _NOT_YET_VALID: ("is not valid yet", "see whether this node's clock is right"),
    _HAS_EXPIRED: (
        "has expired",
        "see whether this node's clock is right; if it is, renew the API server's certificate",
    ),
    _OTHER_HOST: (
        "is for another name",
        "use a name that the certificate has, or set tls-server-name to one",
    ),
    _OTHER_ADDRESS: (
        "is for another address",
        "use an address that the certificate has, or set tls-server-name to a name of it",
    ),
}
_OTHER_AUTHORITY = (
    "is not of the certificate authority that was given",
    "see whether the certificate authority and the address are of the same cluster",
)
# As a system words them in its own language, or not at all: Windows' codes of sockets have no text in C.
_SOCKET_WORDS = {
    errno.ECONNREFUSED: "it refuses the connection",
    errno.ECONNRESET: "it broke the connection off",
    errno.EPIPE: "it broke the connection off",
    errno.ECONNABORTED: "the connection was broken off",
    errno.EHOSTUNREACH: "there is no way to this host",
    errno.ENETUNREACH: "there is no way to its network",
    errno.ETIMEDOUT: "the host does not answer",
}


class Answer(NamedTuple):
    """What came back. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Words:
    """Says of one API what its answers mean."""

    def __init__(self, access: Access) -> None:
        self._server = f"the API server {access.server}"
        self._source = f" of {access.source}" if access.source else ""

    def document(self, asked: Asked, answer: Answer) -> dict[str, Any]:
        """What was asked for. Raises: ApiFault."""
        if answer.status // 100 != 2:  # noqa: PLR2004 - HTTP's classes of answers
            raise self.refusal(asked, answer)
        return self.parsed(asked, answer.body)

    def parsed(self, asked: Asked, text: bytes) -> dict[str, Any]:
        """A JSON object. Raises: Strange."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as fault:
            raise self.strange(asked, "the answer is no JSON") from fault
        if not isinstance(found, dict):
            raise self.strange(asked, "the answer is no JSON object")
        return found

    def strange(self, asked: Asked, why: str, status: int = 0) -> Strange:
        """A fault of who answers."""
        return Strange(
            f"{asked} failed: {why}. Next: see whether {self._server} is one, and no proxy before it", status
        )

    def refusal(self, asked: Asked, answer: Answer) -> ApiFault:
        """The fault that an answer other than 2xx is."""
        status = _status_in(answer.body)
        if status is None:
            return self._without_status(asked, answer)
        return self.of_status(asked, {**status, "code": answer.status}, _retry_after(answer.headers))

    def of_status(
        self, asked: Asked, status: Mapping[str, Any], retry_after_s: float | None = None
    ) -> ApiFault:
        """The fault that a Status document is, as in a watch's ERROR."""
        code = status.get("code")
        code = code if isinstance(code, int) else 0
        reason = _text(status.get("reason"))
        said = f"{code} {reason}".strip() + (
            f": {_text(status.get('message'))}" if status.get("message") else ""
        )
        if retry_after_s is None:
            retry_after_s = _retry_seconds(status)
        return self._fault(asked, code, reason, said, retry_after_s)

    def _fault(  # noqa: PLR0911 - one line for each class
        self, asked: Asked, code: int, reason: str, said: str, retry_after_s: float | None
    ) -> ApiFault:
        if code == http.HTTPStatus.UNAUTHORIZED:
            return Unauthorized(
                f"{asked} failed: {self._server} does not know who asks ({said}). Next: see whether the "
                f"token or client certificate{self._source} is of this cluster and has not expired",
                code,
                reason,
            )
        if code == http.HTTPStatus.FORBIDDEN:
            return Forbidden(
                f"{asked} is forbidden ({said}). Next: give the account this rule, in a {asked.rule}",
                code,
                reason,
                asked.what,
            )
        if code == http.HTTPStatus.NOT_FOUND:
            return Missing(f"{asked} failed: not found ({said})", code, reason)
        if code == http.HTTPStatus.CONFLICT:
            return Conflict(f"{asked} failed: {said}", code, reason)
        if code == http.HTTPStatus.GONE:
            return Expired(f"{asked} failed: {said}. Next: nothing; it is listed anew", code, reason)
        if code in {http.HTTPStatus.REQUEST_TIMEOUT, http.HTTPStatus.TOO_MANY_REQUESTS} or code >= 500:  # noqa: PLR2004 - HTTP's classes
            return Away(
                f"{asked} failed: {self._server} cannot answer now ({said})", code, reason, retry_after_s
            )
        return Invalid(f"{asked} failed: {self._server} finds fault with the request ({said})", code, reason)

    def _without_status(self, asked: Asked, answer: Answer) -> ApiFault:
        code, said = answer.status, f"HTTP status {answer.status}"
        if (
            code == http.HTTPStatus.NOT_FOUND
            and asked.resource.group
            and answer.body.strip() == _NO_SUCH_PATH
        ):
            return Missing(
                f"{asked} failed: {self._server} has no resource {asked.resource.plural} in "
                f"{asked.resource.group_version}. Next: apply its CustomResourceDefinition",
                code,
                "NoSuchResource",
            )
        if code in _BY_ANYBODY or code >= 500:  # noqa: PLR2004 - HTTP's classes
            return self._fault(asked, code, "", said, _retry_after(answer.headers))
        if code // 100 == 3:  # noqa: PLR2004 - HTTP's classes
            return self.strange(asked, f"it answers with a redirect ({said}), which is not followed", code)
        return self.strange(asked, f"it answers with {said} and no Kubernetes Status", code)

    def raise_for(self, asked: Asked, fault: Exception, timeout_s: float) -> NoReturn:
        """Raises: ApiFault: what an exception means that came while it was asked."""
        raise self._no_answer(asked, fault, timeout_s) from fault

    def _no_answer(self, asked: Asked, fault: Exception, timeout_s: float) -> ApiFault:
        if isinstance(fault, Closed):
            return fault
        if isinstance(fault, ssl.SSLCertVerificationError):
            what, then = _CERTIFICATE_WORDS.get(fault.verify_code, _OTHER_AUTHORITY)
            return Untrusted(
                f"{asked} failed: the certificate of {self._server} {what} ({fault.verify_message}). "
                f"Next: {then}"
            )
        if isinstance(fault, BadCertificate):
            return Unauthorized(f"{asked} was not sent: {fault}")
        return Away(f"{asked} failed: {self._server} does not answer: {_why(fault, timeout_s)}")


def _why(fault: Exception, timeout_s: float) -> str:
    match fault:
        case TimeoutError():
            why = f"nothing within {timeout_s:g} s"
        case ssl.SSLError():
            why = f"TLS broke off ({fault.reason or 'the connection ended'})"
        case http.client.IncompleteRead():
            why = "the answer was cut off"
        case http.client.RemoteDisconnected():
            why = "it closed the connection"
        case http.client.HTTPException():
            why = f"what it says is no HTTP ({type(fault).__name__})"
        case OSError():
            why = _SOCKET_WORDS.get(fault.errno or 0) or _quoted(fault.strerror or str(fault))
        case _:
            why = type(fault).__name__
    return why


def _status_in(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    is_status = isinstance(found, dict) and found.get("kind") == "Status" and found.get("apiVersion") == "v1"
    return found if is_status else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds; a date, which HTTP allows too, the API server does not send."""
    return _seconds(headers.get("retry-after"))


def _retry_seconds(status: Mapping[str, Any]) -> float | None:
    details = status.get("details")
    return _seconds(details.get("retryAfterSeconds")) if isinstance(details, dict) else None


def _seconds(given: object) -> float | None:
    try:
        seconds = float(given)  # type: ignore[arg-type] # what is no number is a TypeError
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _text(value: object) -> str:
    return _quoted(value) if isinstance(value, str) else ""


def _quoted(text: str) -> str:
    line = one_line(" ".join(text.split()))
    return line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 1] + "…"
