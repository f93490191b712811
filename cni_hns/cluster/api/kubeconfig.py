"""A kubeconfig file: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/.

All that is wrong with it is told at once, each with its place in the file. What a newer kubectl may have
added is passed over; what looks like a known word is not.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from typing import Any, NamedTuple

import yaml

from cni_hns.cluster.api.bearer import token_in
from cni_hns.cluster.api.credentials import Access, AccessFault, Pem, Secret, server_of
from cni_hns.cluster.api.tls import BadCertificate, Tls
from cni_hns.dialects.spelling import near

__all__ = ["from_kubeconfig"]

_LARGEST = 4 << 20
_TOP = {"apiVersion", "kind", "clusters", "contexts", "users", "current-context", "preferences", "extensions"}
_CONTEXT = {"cluster", "user", "namespace", "extensions"}
_CLUSTER = {
    "server",
    "certificate-authority",
    "certificate-authority-data",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "proxy-url",
    "disable-compression",
    "extensions",
}
_USER = {
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "token",
    "tokenFile",
    "exec",
    "auth-provider",
    "username",
    "password",
    "as",
    "as-uid",
    "as-groups",
    "as-user-extra",
    "extensions",
}
_INSTEAD = "give the account a token (token, tokenFile) or a client certificate"
# Key -> why it is not done, and what to do instead.
_NOT_FOR_USERS = {
    "exec": (
        "no program is started that this file names: who asks may have the rights of the system",
        _INSTEAD,
    ),
    "auth-provider": ("Kubernetes has done away with it", _INSTEAD),
    "username": ("API servers take no passwords any more", _INSTEAD),
    "password": ("API servers take no passwords any more", _INSTEAD),
    "as": ("nobody acts for another here", "give the account itself what it needs"),
    "as-uid": ("nobody acts for another here", "give the account itself what it needs"),
    "as-groups": ("nobody acts for another here", "give the account itself what it needs"),
    "as-user-extra": ("nobody acts for another here", "give the account itself what it needs"),
}
_NOT_FOR_CLUSTERS = {
    "insecure-skip-tls-verify": (
        "whoever answers at this address would be given the token",
        "give certificate-authority or certificate-authority-data",
    ),
    "proxy-url": ("the API is reached directly only", "write the address that this node reaches"),
}


def from_kubeconfig(path: str, context: str = "") -> Access:
    """What the file says of this context, or of its current one.

    Raises: AccessFault: each line begins with the file and the place in it.
    """
    file = _File(path, _document(path))
    access = file.access(context)
    if file.faults:
        raise AccessFault(*(f'kubeconfig "{path}": {one}' for one in file.faults))
    try:
        if access.server.startswith("https:"):
            Tls(access).context()
    except BadCertificate as fault:
        raise AccessFault(f'kubeconfig "{path}": {fault}') from fault
    return access


def _document(path: str) -> dict[str, Any]:
    """Raises: AccessFault."""
    try:
        with open(path, "rb") as file:
            text = file.read(_LARGEST + 1)
    except OSError as fault:
        raise AccessFault(f'kubeconfig "{path}" cannot be read: {fault.strerror}') from fault
    if len(text) > _LARGEST:
        raise AccessFault(f'kubeconfig "{path}" has more than {_LARGEST >> 20} MiB')
    found = _parsed(path, text)
    if not isinstance(found, dict):
        raise AccessFault(f'kubeconfig "{path}": it is no mapping with "clusters", "contexts" and "users"')
    return found


def _parsed(path: str, text: bytes) -> object:
    """JSON first: not all of it is YAML, such as tabs."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        raise AccessFault(f'kubeconfig "{path}": {place}it is no YAML: {fault.problem}') from None
    except (yaml.YAMLError, ValueError, RecursionError):
        # Their words may quote what they stumble over.
        raise AccessFault(f'kubeconfig "{path}": it is no YAML, or no text') from None


class _Place(NamedTuple):
    """A mapping of the file, and where it is."""

    path: str
    values: dict[str, Any]

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


class _File:
    """Reads one file; `faults` has all that was found wrong."""

    def __init__(self, path: str, document: dict[str, Any]) -> None:
        self._folder = os.path.dirname(os.path.abspath(path))
        self._path = path
        self._top = _Place("", document)
        self.faults: list[str] = []

    def access(self, context: str) -> Access:
        """As far as it can be read."""
        self._check_words(self._top, _TOP)
        wanted = context or self._text(self._top, "current-context")
        if not wanted:
            self.faults.append('current-context: missing: name a context of "contexts"')
            return Access("")
        chosen = self._named("contexts", "context", wanted, _CONTEXT)
        cluster = self._named("clusters", "cluster", self._required(chosen, "cluster"), _CLUSTER)
        user = self._named("users", "user", self._required(chosen, "user"), _USER)
        self._refuse(cluster, _NOT_FOR_CLUSTERS)
        self._refuse(user, _NOT_FOR_USERS)
        access = Access(
            server=self._server(cluster),
            ca=self._pem(cluster, "certificate-authority"),
            tls_server_name=self._text(cluster, "tls-server-name"),
            token=Secret(self._token(user)),
            token_file=self._token_file(user),
            certificate=self._pem(user, "client-certificate"),
            key=self._pem(user, "client-key"),
            namespace=self._text(chosen, "namespace") or "default",
            source=f'kubeconfig "{self._path}"',
        )
        self._check_credentials(user, access)
        return access

    def _named(self, collection: str, kind: str, name: str, known: set[str]) -> _Place:
        """The mapping under `kind` of the entry with this name; an empty one where there is none."""
        nothing = _Place(f"{collection}[?].{kind}", {})
        if not name:
            return nothing
        entries = self._top.values.get(collection)
        if not isinstance(entries, list):
            self.faults.append(f"{collection}: missing, or no list")
            return nothing
        names = [str(one.get("name")) if isinstance(one, dict) else "" for one in entries]
        if name not in names:
            meant = near(name, names)
            told = (
                f'; did you mean "{meant}"?'
                if meant
                else f"; there are: {', '.join(filter(None, names)) or 'none'}"
            )
            self.faults.append(f'{collection}: none is named "{name}"{told}')
            return nothing
        number = names.index(name)
        entry = _Place(f"{collection}[{number}]", entries[number])
        inner = entry.values.get(kind)
        if not isinstance(inner, dict):
            self.faults.append(f"{entry.at(kind)}: missing, or no mapping")
            return nothing
        place = _Place(entry.at(kind), inner)
        self._check_words(place, known)
        return place

    def _check_words(self, place: _Place, known: set[str]) -> None:
        for key in place.values:
            if key not in known and (meant := near(str(key), known)):
                self.faults.append(f'{place.at(str(key))}: unknown; did you mean "{meant}"?')

    def _refuse(self, place: _Place, not_done: dict[str, tuple[str, str]]) -> None:
        for key, (why, instead) in not_done.items():
            if place.values.get(key):
                self.faults.append(f"{place.at(key)}: not supported: {why}. Next: {instead}")

    def _text(self, place: _Place, key: str) -> str:
        value = place.values.get(key)
        if value is None or isinstance(value, str):
            return value or ""
        self.faults.append(f"{place.at(key)}: it is no text")
        return ""

    def _required(self, place: _Place, key: str) -> str:
        text = self._text(place, key)
        if place.values and not text:
            self.faults.append(f"{place.at(key)}: missing")
        return text

    def _server(self, cluster: _Place) -> str:
        url = self._required(cluster, "server")
        try:
            if url:
                server_of(url)
        except ValueError as fault:
            self.faults.append(f"{cluster.at('server')}: {fault}")
        return url

    def _file_at(self, place: _Place, key: str) -> str:
        """A relative path is one from the kubeconfig's folder."""
        given = self._text(place, key)
        if not given:
            return ""
        path = os.path.join(self._folder, given)
        try:
            with open(path, "rb"):
                return path
        except OSError as fault:
            self.faults.append(f'{place.at(key)}: "{path}" cannot be read: {fault.strerror}')
            return ""

    def _pem(self, place: _Place, key: str) -> Pem:
        """What stands in the file itself comes before what it names."""
        data = self._text(place, f"{key}-data")
        if not data:
            return Pem(file=self._file_at(place, key))
        try:
            return Pem(text=Secret(base64.b64decode("".join(data.split()), validate=True).decode("ascii")))
        except (binascii.Error, ValueError):
            self.faults.append(f"{place.at(key)}-data: it is no base64 of PEM")
            return Pem()

    def _token(self, user: _Place) -> str:
        token = self._text(user, "token").strip()
        if any(not "\x21" <= one <= "\x7e" for one in token):
            self.faults.append(
                f"{user.at('token')}: it is no token: one word of ASCII characters is expected"
            )
            return ""
        return token

    def _token_file(self, user: _Place) -> str:
        path = self._file_at(user, "tokenFile")
        try:
            if path:
                token_in(path)
        except (OSError, ValueError) as fault:
            self.faults.append(f'{user.at("tokenFile")}: "{path}": {fault}')
        return path

    def _check_credentials(self, user: _Place, access: Access) -> None:
        for one, other in (("client-certificate", "client-key"), ("client-key", "client-certificate")):
            has = [user.values.get(name) or user.values.get(f"{name}-data") for name in (one, other)]
            if has[0] and not has[1]:
                self.faults.append(f"{user.at(other)}: missing, beside {one}")
        if user.values and not self.faults and not (access.token or access.token_file or access.certificate):
            self.faults.append(f"{user.path}: it has no token and no certificate. Next: {_INSTEAD}")
