"""The certificates of both sides: whom to believe, and who one is."""

from __future__ import annotations

import os
import ssl
import tempfile
import threading
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from cni_hns.cluster.api.credentials import Access, Pem

__all__ = ["BadCertificate", "Tls"]


class BadCertificate(Exception):
    """A certificate or key of this side cannot be used; `str()` says which, and why."""


class Tls:
    """What a connection is encrypted with; made anew when one of the files has changed."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._made_of: tuple[object, ...] = ()

    def context(self) -> ssl.SSLContext:
        """For a connection that begins now.

        Raises: BadCertificate.
        """
        with self._lock:
            try:
                return self._current()
            except (OSError, BadCertificate) as fault:
                # What is just being replaced can be read again in a moment.
                if self._context is not None:
                    return self._context
                if isinstance(fault, BadCertificate):
                    raise
                raise BadCertificate(f'"{fault.filename}" cannot be read: {fault.strerror}') from fault

    def _current(self) -> ssl.SSLContext:
        now = self._files()
        if self._context is None or now != self._made_of:
            self._context, self._made_of = _context(self._access), now
        return self._context

    def _files(self) -> tuple[object, ...]:
        return tuple(
            _stamp(one.file) for one in (self._access.ca, self._access.certificate, self._access.key)
        )


def _stamp(file: str) -> object:
    if not file:
        return None
    found = os.stat(file)
    return found.st_mtime_ns, found.st_size, found.st_ino


def _context(access: Access) -> ssl.SSLContext:
    """Not `create_default_context`: from Python 3.13 on it refuses the authorities that kubeadm makes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The authority that one is given is where trust begins, also where another one has signed it: as in Go.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if access.ca:
        _believe(context, access.ca)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if access.certificate:
        _show(context, access.certificate, access.key)
    return context


def _believe(context: ssl.SSLContext, ca: Pem) -> None:
    where = f' "{ca.file}"' if ca.file else ""
    try:
        context.load_verify_locations(cafile=ca.file or None, cadata=ca.text.value or None)
    except ssl.SSLError as fault:
        raise BadCertificate(
            f"the certificate authority{where} is no certificate in PEM ({fault.reason})"
        ) from fault
    if not context.get_ca_certs():
        raise BadCertificate(f"the certificate authority{where} has no certificate of an authority")


def _show(context: ssl.SSLContext, certificate: Pem, key: Pem) -> None:
    """OpenSSL takes both from files only: what stood in a document is one for that moment.

    `mkstemp` lets nobody else read it; on Windows the folder does, which is the user's own, or the system's.
    """
    made: list[str] = []
    try:
        files = [one.file or _written(one, made) for one in (certificate, key)]
        context.load_cert_chain(files[0], files[1], password=_refuse)
    except ssl.SSLError as fault:
        raise BadCertificate(
            f"client certificate and key do not fit, or are no PEM ({fault.reason})"
        ) from fault
    finally:
        for file in made:
            os.unlink(file)


def _written(pem: Pem, made: list[str]) -> str:
    descriptor, path = tempfile.mkstemp(suffix=".pem")
    made.append(path)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(pem.text.value)
    return path


def _refuse() -> NoReturn:
    """Without it OpenSSL would ask at the terminal."""
    raise BadCertificate("the client's key is encrypted: give one without a password")
