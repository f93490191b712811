"""Certificates by openssl: an authority, and what it signs. Elliptic curves: a key takes no time."""

from __future__ import annotations

import subprocess
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

__all__ = ["Authority", "Signed", "signing_key"]

_DAYS = "30"
_CURVE = "ec_paramgen_curve:P-256"

# Without those of the machine's own openssl.cnf, which differ.
_SETTINGS = [
    "[req]",
    "distinguished_name = subject",
    "x509_extensions = extensions",
    "[subject]",
    "[extensions]",
    "subjectKeyIdentifier = hash",
    "authorityKeyIdentifier = keyid",
]


class Signed(NamedTuple):
    """The files of a certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """A certificate authority of its own, in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._own = self._files(name)
        _request(self._own, name, "basicConstraints = critical,CA:TRUE", "keyUsage = critical,keyCertSign")

    @property
    def certificate(self) -> Path:
        """What trusts it."""
        return self._own.certificate

    def serve(self, name: str, *hosts: str) -> Signed:
        """For a server that is reached under these names and addresses."""
        made = self._files(name)
        names = ",".join(f"{'IP' if _is_address(host) else 'DNS'}:{host}" for host in hosts)
        _request(made, name, f"subjectAltName = {names}", signer=self._own)
        return made

    def client(self, user: str, group: str = "") -> Signed:
        """For a client who is this user of this group."""
        made = self._files(user.replace(":", "-"))
        subject = f"{user}/O={group}" if group else user
        _request(made, subject, "extendedKeyUsage = clientAuth", signer=self._own)
        return made

    def _files(self, name: str) -> Signed:
        return Signed(self._folder / f"{name}.crt", self._folder / f"{name}.key")


def signing_key(file: Path) -> Path:
    """A private key alone, in the older of its forms: the API server reads the public one from no other."""
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(file))
    return file


def _request(files: Signed, name: str, *extensions: str, signer: Signed | None = None) -> None:
    settings = files.key.with_suffix(".cnf")
    settings.write_text("\n".join([*_SETTINGS, *extensions, ""]))
    command = ["req", "-x509", "-config", str(settings), "-newkey", "ec", "-pkeyopt", _CURVE, "-noenc"]
    command += ["-days", _DAYS, "-subj", f"/CN={name}"]
    command += ["-keyout", str(files.key), "-out", str(files.certificate)]
    if signer is not None:
        command += ["-CA", str(signer.certificate), "-CAkey", str(signer.key)]
    _openssl(*command)


def _openssl(*arguments: str) -> None:
    command = ["openssl", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=-1, stderr=-2, text=True, check=False)
    assert done.returncode == 0, done.stdout


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
