"""What the API answered instead of what it was asked for.

    ApiFault
        Away            no answer, or one that says "later"
        Closed          this side has closed the client
        Strange         what answers is no API server, or says what cannot be read
        Untrusted       the server's certificate
        Unauthorized    401
        Forbidden       403
        Missing         404
        Conflict        409: it exists already, or was changed meanwhile
        Expired         410: list anew
        Invalid         400, 422 and what else blames the request

`str()` of each is for a person: what failed, on which object, why, and what to do next.
"""

from __future__ import annotations

__all__ = [
    "ApiFault",
    "Away",
    "Closed",
    "Conflict",
    "Expired",
    "Forbidden",
    "Invalid",
    "Missing",
    "Strange",
    "Unauthorized",
    "Untrusted",
]


class ApiFault(Exception):
    """`status` is HTTP's, 0 where nothing was answered; `reason` is Kubernetes' word: "AlreadyExists"."""

    def __init__(self, words: str, status: int = 0, reason: str = "") -> None:
        super().__init__(words)
        self.status = status
        self.reason = reason


class Away(ApiFault):
    """Try again later; `retry_after_s` is the server's wish, None where it has none."""

    def __init__(
        self, words: str, status: int = 0, reason: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(words, status, reason)
        self.retry_after_s = retry_after_s


class Closed(ApiFault):
    """The client was closed on this side while it waited."""


class Strange(ApiFault):
    """An answer that no API server gives: a redirect, no JSON, too many bytes."""


class Untrusted(ApiFault):
    """The server's certificate is not of the authority that was given, or not for this name or day."""


class Unauthorized(ApiFault):
    """The API server does not know who asks: no token or certificate, an old one, one of another cluster."""


class Forbidden(ApiFault):
    """Who asks may not; `what` is verb and resource, such as "patch nodes/status"."""

    def __init__(self, words: str, status: int = 403, reason: str = "", what: str = "") -> None:
        super().__init__(words, status, reason)
        self.what = what


class Missing(ApiFault):
    """There is no such object, or no such resource."""


class Conflict(ApiFault):
    """The object exists already ("AlreadyExists"), or was changed by somebody else ("Conflict")."""


class Expired(ApiFault):
    """What the request continues is no longer kept: list anew."""


class Invalid(ApiFault):
    """The request is wrong, as the API server reads it."""
