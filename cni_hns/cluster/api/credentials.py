"""Where the API is, and how one is known there."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

__all__ = ["Access", "AccessFault", "Pem", "Secret", "Server", "server_of"]

_PORTS = {"https": 443, "http": 80}
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class AccessFault(ValueError):
    """What was given does not lead to an API; `faults` has a line for each mistake, `str()` all of them."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Secret:
    """A text that no message and no log shows."""

    __slots__ = ("value",)

    def __init__(self, value: str = "") -> None:
        self.value = value

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"Secret({len(self.value)} characters)"


class Pem(NamedTuple):
    """Certificates or a key: of a file, which may be replaced at any time, or as they stood in a document."""

    file: str = ""
    text: Secret = Secret()

    def __bool__(self) -> bool:
        return bool(self.file or self.text)


class Access(NamedTuple):
    """How to reach an API. Without `ca`, the authorities are those that the machine trusts.

    `token_file` comes before `token`. `source` says where all this was found, for messages.
    """

    server: str
    ca: Pem = Pem()
    tls_server_name: str = ""
    token: Secret = Secret()
    token_file: str = ""
    certificate: Pem = Pem()
    key: Pem = Pem()
    namespace: str = "default"
    source: str = ""


class Server(NamedTuple):
    """A URL taken apart; `path` stands before the paths of the API, "" as a rule."""

    host: str
    port: int
    path: str
    is_tls: bool


def server_of(url: str) -> Server:
    """The parts of "https://10.0.0.1:6443" or "https://[fd00::1]:6443/behind/a/proxy".

    Raises: ValueError: it is none, or one that would carry a token in the clear to another machine.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as fault:
        raise ValueError(f'"{url}" is no URL: {fault}') from fault
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not host:
        raise ValueError(f'"{url}" is no URL of an API server: write https://HOST:PORT')
    if parts.username is not None:
        raise ValueError(f'"https://…@{host}" has a user name in it: give a token or a client certificate')
    if parts.query or parts.fragment:
        raise ValueError(f'"{url}" has a query or a fragment: write https://HOST:PORT')
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ValueError(f'"{url}" is not encrypted, and not on this machine: write https://{parts.netloc}')
    return Server(host, port or _PORTS[parts.scheme], parts.path.rstrip("/"), parts.scheme == "https")
