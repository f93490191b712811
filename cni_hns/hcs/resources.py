"""Changing what a running container may use: the requests, and where Windows takes them.

The paths of a container are not on Microsoft's page of modifiable resources: hcsshim, Microsoft's own client,
sends them, and from build 19042 on only.
https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsModifyComputeSystem
"""

from __future__ import annotations

from typing import Any

from cni_hns.hcs.documents.properties import Properties
from cni_hns.hcs.documents.requests import ModifySettingRequest
from cni_hns.hcs.documents.system import ContainerProcessor
from cni_hns.hcs.isolation import Isolation, Refused, isolation_of

__all__ = ["FIRST_BUILD", "memory_request", "processor_request", "refuse_if_unchangeable"]

FIRST_BUILD = 19042
"""The first build of Windows that changes a running container."""

# Of the whole machine, and against other containers: both count to ten thousand.
_TEN_THOUSAND = 10_000
_LARGEST_COUNT = 0xFFFFFFFF


def processor_request(
    *, count: int | None = None, maximum: int | None = None, weight: int | None = None
) -> ModifySettingRequest:
    """Another share of the processors, by one of three: they exclude each other.

    `count` of processors; `maximum` in 10000ths of the machine, 1 to 10000; `weight` 0 to 10000.
    Raises: ValueError.
    """
    given = {"count": count, "maximum": maximum, "weight": weight}
    chosen = {name: value for name, value in given.items() if value is not None}
    if len(chosen) != 1:
        raise ValueError("give one of processor count, maximum and weight: they exclude each other")
    for name, value in chosen.items():
        low, high = (0 if name == "weight" else 1), (_LARGEST_COUNT if name == "count" else _TEN_THOUSAND)
        if not low <= value <= high:
            raise ValueError(f"processor {name} {value} is not within {low} to {high}")
    return _update("Container/Processor", ContainerProcessor(**chosen).to_document())


def memory_request(size_mb: int) -> ModifySettingRequest:
    """Another limit of memory in MB, rounded up to an even number as HCS wants it. Raises: ValueError."""
    if size_mb < 1:
        raise ValueError(f"memory {size_mb} MB is less than 1 MB")
    return _update("Container/Memory/SizeInMB", size_mb + size_mb % 2)


def refuse_if_unchangeable(properties: Properties, build: int | None) -> None:
    """Raises: Refused if this build of Windows, where it is known, does not change such a system."""
    if isolation_of(properties) is Isolation.VIRTUAL_MACHINE:
        raise Refused(
            "be changed",
            properties.id,
            "it is a virtual machine, whose processors and memory its runtime keeps account of",
            "change the containers in it: their properties name it in HostingSystemId",
        )
    if build is not None and build < FIRST_BUILD:
        raise Refused(
            "be changed",
            properties.id,
            f"this Windows has build {build}, and a running container is changed from {FIRST_BUILD} on",
            "set its limits where it is created (the pod's resources)",
        )


def _update(path: str, settings: Any) -> ModifySettingRequest:
    return ModifySettingRequest.of({"ResourcePath": path, "RequestType": "Update", "Settings": settings})
