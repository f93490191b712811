"""`install --check`: ADD, CHECK and DEL as processes of the installed exe, on a namespace made for it.

Whatever happens, the attachment and the namespace are removed again.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from cni_hns.binding.errors import ServiceError
from cni_hns.cli.configurations import plugin_configuration
from cni_hns.cli.failure import Failure
from cni_hns.cli.install.layout import exe_name
from cni_hns.cni.errors import CniError
from cni_hns.identity import ZERO_GUID

if TYPE_CHECKING:
    from cni_hns.cli.session import Session

__all__ = ["try_out"]

# Longer than the plugin gives itself.
_TIMEOUT_S = 180.0
_OLD_VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.3.1")
_NEW_NAMESPACE = {"SchemaVersion": {"Major": 2, "Minor": 0}}


def try_out(session: Session, bin_dir: str, configuration: str, said: list[str]) -> None:
    """Run the three, and put what each step answered into `said`, a line each.

    Raises:
        Failure: names the step that failed, with the plugin's own error.
    """
    document = plugin_configuration(configuration)
    exe = os.path.join(bin_dir, exe_name(str(document.get("type"))))
    if not os.path.isfile(exe):
        raise Failure(f'the check failed: there is no {exe}, which "{configuration}" names as its plugin')
    namespace = _make_namespace(session)
    try:
        _steps(exe, document, bin_dir, namespace, said)
    finally:
        with contextlib.suppress(CniError, ServiceError):
            session.hcn.namespaces.delete(namespace)


def _make_namespace(session: Session) -> str:
    try:
        with session.hcn.namespaces.create(_NEW_NAMESPACE, ZERO_GUID) as made:
            made.query()
            return made.id
    except (CniError, ServiceError) as fault:
        raise Failure(f"the check failed at making a namespace: {fault}") from fault


def _steps(exe: str, document: dict[str, Any], bin_dir: str, namespace: str, said: list[str]) -> None:
    variables = {
        "CNI_CONTAINERID": f"cni-hns-check-{os.getpid()}",
        "CNI_NETNS": namespace,
        "CNI_IFNAME": "eth0",
        "CNI_PATH": bin_dir,
    }
    try:
        result = _call(exe, "ADD", document, variables)
        said.append("ADD gave " + ", ".join(_addresses(result)))
        if document.get("cniVersion") not in _OLD_VERSIONS:
            _call(exe, "CHECK", {**document, "prevResult": result}, variables)
            said.append("CHECK agreed")
    except BaseException:
        # The first fault is the one to tell.
        with contextlib.suppress(Failure):
            _call(exe, "DEL", document, variables)
        raise
    _call(exe, "DEL", document, variables)
    said.append("DEL removed it")


def _addresses(result: dict[str, Any]) -> list[str]:
    given = [str(one.get("address")) for one in result.get("ips", [])]
    old = [str(result[key].get("ip")) for key in ("ip4", "ip6") if isinstance(result.get(key), dict)]
    return given or old or ["no address"]


def _call(exe: str, command: str, document: dict[str, Any], variables: dict[str, str]) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [exe],
            input=json.dumps(document),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**_environment(), **variables, "CNI_COMMAND": command},
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise Failure(f"the check failed at {command}: {exe}: {fault}") from fault
    answer: dict[str, Any] = {}
    with contextlib.suppress(ValueError):
        answer = json.loads(done.stdout) if done.stdout.strip() else {}
    if done.returncode:
        texts = (answer.get("msg"), answer.get("details"))
        words = ". ".join(str(text) for text in texts if text) or done.stderr.strip()
        raise Failure(f"the check failed at {command}: exit code {done.returncode}: {words}")
    return answer


def _environment() -> dict[str, str]:
    """Ours without CNI variables, and without what the single file says of its unpacked folder.

    Source: https://pyinstaller.org/en/stable/common-issues-and-pitfalls.html
    """
    inherited = {
        key: value
        for key, value in os.environ.items()
        if key.startswith("CNI_HNS_") or not key.startswith(("CNI_", "_PYI_", "_MEI"))
    }
    if "LD_LIBRARY_PATH_ORIG" in inherited:
        inherited["LD_LIBRARY_PATH"] = inherited.pop("LD_LIBRARY_PATH_ORIG")
    return {**inherited, "PYINSTALLER_RESET_ENVIRONMENT": "1"}
