"""One call as the verbs see it: variables and configuration, checked as far as the protocol goes."""

from __future__ import annotations

from cni_hns.cni.arguments import pod_of, read_arguments
from cni_hns.cni.configuration import check_envelope
from cni_hns.cni.settings import check_data_dir
from cni_hns.cni.variables import Variables, check_own_rules
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cni_hns.cni.result import Result
    from cni_hns.identity import KubernetesPod

__all__ = ["Request", "read_request"]


class Request(NamedTuple):
    """What the runtime asks for; `raw` is stdin as it came, for a delegated plugin."""

    variables: Variables
    version: str
    name: str
    config: dict[str, Any]
    raw: bytes
    prev_result: Result | None
    arguments: dict[str, str]

    @property
    def attachment(self) -> tuple[str, str, str]:
        """Network name, container id and interface name (CNI SPEC, section 3)."""
        return self.name, self.variables.container_id, self.variables.ifname

    @property
    def pod(self) -> KubernetesPod:
        """Whose attachment it is, by the names that the runtime has for the pod. Known to a DEL, too."""
        return pod_of(self.variables.args)


def read_request(
    variables: Variables, raw: bytes, document: dict[str, Any], *, lenient: bool = False
) -> Request:
    """The request, after the checks of the specification and then this plugin's own on the variables.

    `prevResult` and the CNI_ARGS are read for ADD and CHECK: DEL has to clean up whatever was passed.
    `lenient`: pieces of CNI_ARGS that mean nothing are passed over.

    Raises: CniError with the code that the specification has for the fault.
    """
    envelope = check_envelope(document, variables.command)
    check_own_rules(variables, lenient=lenient)
    check_data_dir(document)
    checked = variables.command in {"ADD", "CHECK"}
    return Request(
        variables=variables,
        version=envelope.version,
        name=envelope.name,
        config=document,
        raw=raw,
        prev_result=_prev_result(document, envelope.version) if checked else None,
        arguments=read_arguments(variables.args, lenient=lenient) if checked else {},
    )


def _prev_result(document: dict[str, Any], version: str) -> Result | None:
    found = document.get("prevResult")
    if found is None:
        return None
    from cni_hns.cni.result import parse

    return parse(found, version)
