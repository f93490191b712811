"""What is asked of a compute system: changes, and how it is paused, saved, ended.

https://learn.microsoft.com/virtualization/api/hcs/SchemaReference#ModifySettingRequest
"""

from __future__ import annotations

from typing import Any

from cni_hns.hcs.documents.words import (
    CrashTypeWord,
    ModifyRequestTypeWord,
    PauseReasonWord,
    PauseSuspensionLevelWord,
    SaveTypeWord,
    ShutdownMechanismWord,
    ShutdownTypeWord,
)
from cni_hns.schema import Boolean, Document

__all__ = [
    "CrashOptions",
    "ModifySettingRequest",
    "PauseNotification",
    "PauseOptions",
    "SaveOptions",
    "ShutdownOptions",
]


class ModifySettingRequest(Document):
    """A change of the resource at a path; its settings are a document or a bare value."""

    resource_path: str = ""
    request_type: ModifyRequestTypeWord = "Add"
    settings: Any = None
    guest_request: Any = None


class PauseNotification(Document):
    """What the systems that it hosts are told."""

    reason: PauseReasonWord = "None"


class PauseOptions(Document):
    """How to pause a virtual machine."""

    suspension_level: PauseSuspensionLevelWord = "Suspend"
    hosted_notification: PauseNotification | None = None


class ShutdownOptions(Document):
    """How to shut down a virtual machine (schema 2.5)."""

    mechanism: ShutdownMechanismWord = "GuestConnection"
    type: ShutdownTypeWord = "Shutdown"
    force: Boolean = False
    reason: str = ""


class SaveOptions(Document):
    """Where to save a virtual machine."""

    save_type: SaveTypeWord = "ToFile"
    save_state_file_path: str = ""


class CrashOptions(Document):
    """How to crash a virtual machine."""

    type: CrashTypeWord = "CrashGuest"  # schema 2.3
