"""Changing what a running system may use.

The paths of a container are those that Microsoft's client sends (hcsshim); the page of HcsModifyComputeSystem
lists only those of virtual machines, which are not simulated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cni_hns.simulator.core.compute import memory, systems
from cni_hns.simulator.core.compute.reading import document_in, text_of, word_of
from cni_hns.simulator.core.documents import Document, folded
from cni_hns.simulator.core.errors import (
    E_NOTIMPL,
    ELEMENT_NOT_FOUND,
    HCS_INVALID_JSON,
    HCS_WRONG_STATE,
    NOT_SUPPORTED,
    PARAMETER_INCORRECT,
    Refused,
    refuse_unless_zero,
)
from cni_hns.simulator.core.store import State

__all__ = ["modify"]

_REQUESTS = ("Add", "Remove", "Update")

# The first build that changes processors and memory of a running container (hcsshim's own gate).
_LIMITS_FROM = 19042
_TEN_THOUSAND = 10_000

# What is added to and removed from a list, by the member that tells one from the others.
_LISTS = {
    "mappeddirectories": ("MappedDirectories", "ContainerPath"),
    "mappedpipes": ("MappedPipes", "HostPath"),
}


def modify(state: State, run: str, text: str | None) -> None:
    """Do what the ModifySettingRequest says.

    Raises:
        Refused: 0x80370105, it does not run; 0x80070032, a path of a virtual machine for what is none, or too
        old a build (option `limits_refused_hresult`); 0x80070057, no such path, or a value out of its range;
        0x80070490, nothing to remove; 0x80004001, a path of a virtual machine.
    """
    system = systems.living(state, run)
    request = document_in(text, "ResourcePath", "RequestType", "Settings")
    kind = word_of(request.get("RequestType", _REQUESTS[0]), "RequestType", _REQUESTS)
    path = text_of(request, "ResourcePath").lower().split("/")
    if system.state != systems.RUNNING:
        raise Refused(HCS_WRONG_STATE, f"{system.id} is {system.state}")
    if path[0] != "container" or system.type != systems.CONTAINER:
        raise Refused(NOT_SUPPORTED if system.process_isolated else E_NOTIMPL, "/".join(path))
    change = _CHANGES.get("/".join(path[1:]))
    if change is None:
        raise Refused(PARAMETER_INCORRECT, f"ResourcePath is {request.get('ResourcePath')!r}")
    memory.keep_peak(state, run)
    resources = dict(system.resources)
    change(state, resources, kind, request.get("Settings"))
    systems.keep_resources(state, system, resources)


def _processor(state: State, resources: Document, kind: str, settings: Any) -> None:
    _limits(state, kind)
    if not isinstance(settings, dict):
        raise Refused(HCS_INVALID_JSON, f"Settings is {settings!r}")
    given = folded(settings, ("Count", "Maximum", "Weight"))
    # Runtimes send the other two as 0.
    share = {name: _number(value, name) for name, value in given.items() if value} or given
    if len(share) != 1:
        raise Refused(PARAMETER_INCORRECT, "one of Count, Maximum and Weight")
    ((name, value),) = share.items()
    if name == "Count":
        value = min(value, int(state.options.processors))
    elif value > _TEN_THOUSAND:
        raise Refused(PARAMETER_INCORRECT, f"{name} is {value}")
    resources["Processor"] = {name: value}


def _memory(state: State, resources: Document, kind: str, settings: Any) -> None:
    _limits(state, kind)
    size = _number(settings, "SizeInMB")
    if size < 1:
        raise Refused(PARAMETER_INCORRECT, f"SizeInMB is {size}")
    resources["Memory"] = {"SizeInMB": size}


def _in_list(name: str, key: str) -> Callable[[State, Document, str, Any], None]:
    def change(_state: State, resources: Document, kind: str, settings: Any) -> None:
        if not isinstance(settings, dict):
            raise Refused(HCS_INVALID_JSON, f"Settings is {settings!r}")
        which = text_of(folded(settings, (key,)), key).lower()
        there = resources.get(name, [])
        left = [one for one in there if text_of(folded(one, (key,)), key).lower() != which]
        if kind == "Remove" and left == there:
            raise Refused(ELEMENT_NOT_FOUND, which)
        resources[name] = left if kind == "Remove" else [*left, settings]

    return change


def _kept(name: str) -> Callable[[State, Document, str, Any], None]:
    def change(_state: State, resources: Document, _kind: str, settings: Any) -> None:
        resources[name] = settings

    return change


_CHANGES: dict[str, Callable[[State, Document, str, Any], None]] = {
    "processor": _processor,
    "memory/sizeinmb": _memory,
    **{path: _in_list(*names) for path, names in _LISTS.items()},
    "devices/generic": _kept("Devices"),
    "registryflushstate": _kept("RegistryFlushState"),
}


def _limits(state: State, kind: str) -> None:
    if state.options.windows_build < _LIMITS_FROM:
        refuse_unless_zero(state.options.limits_refused_hresult, "this build does not change limits")
    if kind != "Update":
        raise Refused(PARAMETER_INCORRECT, f"RequestType is {kind}")


def _number(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Refused(HCS_INVALID_JSON, f"{name} is {value!r}")
    return value
