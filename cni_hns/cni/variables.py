"""The CNI_* variables of one call.

Rule 1: unset and empty are the same.
Rule 2: all that is missing or bad is reported in one error.
Rule 3: a variable that the verb does not use is not looked at and does not come through.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from cni_hns.cni.arguments import argument_faults, value_faults
from cni_hns.cni.errors import BAD_VARIABLE, CniError, shown
from cni_hns.cni.namespace import namespace_fault
from cni_hns.cni.protocol import VERBS, identifier_fault, ifname_fault
from cni_hns.typed import NamedTuple

__all__ = ["Variables", "check_own_rules", "read_variables"]

_RULES = {"CNI_CONTAINERID": identifier_fault, "CNI_IFNAME": ifname_fault}


class Variables(NamedTuple):
    """What the runtime passed, each empty where the verb does not use it."""

    command: str
    container_id: str
    netns: str
    ifname: str
    args: str
    path: list[str]


def read_variables(environ: Mapping[str, str]) -> Variables:
    """The variables of the verb that CNI_COMMAND names.

    Raises: CniError (code 4) for an unknown verb, or with everything that is missing or bad.
    """
    command = environ.get("CNI_COMMAND", "")
    facts = VERBS.get(command)
    if facts is None:
        # Runtimes know this wording (libcni looks for it when VERSION is answered by a very old plugin).
        raise CniError(
            BAD_VARIABLE, f"unknown CNI_COMMAND: {shown(command)[1:-1]}", f"known are {', '.join(VERBS)}"
        )
    used = {name: environ.get(name, "") for name in facts.required + facts.optional}
    variables = Variables(
        command,
        used.get("CNI_CONTAINERID", ""),
        used.get("CNI_NETNS", ""),
        used.get("CNI_IFNAME", ""),
        used.get("CNI_ARGS", ""),
        [folder for folder in used.get("CNI_PATH", "").split(os.pathsep) if folder],
    )
    faults = [fault for name in facts.required if (fault := _fault(name, used[name]))]
    if faults:
        raise _refusal(variables, faults + _own_faults(variables))
    return variables


def check_own_rules(variables: Variables, *, lenient: bool = False) -> None:
    """Hold the variables against what this plugin asks beyond the specification.

    For the specification CNI_NETNS and CNI_ARGS are any text. These rules come after those of the
    configuration, so that a runtime sees the same order of checks as with every other plugin.

    `lenient`: pieces of CNI_ARGS that mean nothing are no fault.
    Raises: CniError (code 4) with everything that is bad.
    """
    faults = _own_faults(variables, lenient=lenient)
    if faults:
        raise _refusal(variables, faults)


def _own_faults(variables: Variables, *, lenient: bool = False) -> list[str]:
    """DEL is left out: whatever was passed, it has to clean up."""
    if variables.command not in {"ADD", "CHECK"}:
        return []
    namespace = namespace_fault(variables.netns) if variables.netns else None
    arguments = value_faults(variables.args) if lenient else argument_faults(variables.args)
    return ([namespace] if namespace else []) + arguments


def _fault(name: str, value: str) -> str | None:
    if not value:
        return f"{name} is missing"
    rule = _RULES.get(name)
    fault = rule(value) if rule else None
    return f"{name} {shown(value)} {fault}" if fault else None


def _refusal(variables: Variables, faults: list[str]) -> CniError:
    return CniError(BAD_VARIABLE, f"{variables.command} got bad environment variables: {'; '.join(faults)}")
