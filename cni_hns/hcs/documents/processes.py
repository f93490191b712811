"""Processes in a compute system.

https://learn.microsoft.com/virtualization/api/hcs/SchemaReference#ProcessParameters
"""

from __future__ import annotations

from pydantic import Field

from cni_hns.hcs.documents.words import ModifyOperationWord, ProcessSignalWord, StdHandleWord
from cni_hns.schema import Boolean, Document, Int32, Uint16, Uint32

__all__ = [
    "CloseHandle",
    "ConsoleSize",
    "ProcessModifyRequest",
    "ProcessParameters",
    "ProcessStatus",
    "SignalProcessOptions",
]


class ProcessParameters(Document):
    """What to run. `command_args` is for Linux; `console_size` is height, then width."""

    application_name: str = ""
    command_line: str = ""
    command_args: tuple[str, ...] = ()
    user: str = ""
    working_directory: str = ""
    environment: dict[str, str] = Field(default_factory=dict)
    restricted_token: Boolean = False
    emulate_console: Boolean = False
    create_std_in_pipe: Boolean = False
    create_std_out_pipe: Boolean = False
    create_std_err_pipe: Boolean = False
    console_size: tuple[Uint16, ...] = ()
    use_existing_login: Boolean = False
    use_legacy_console: Boolean = False


class ProcessStatus(Document):
    """Whether it has ended, and how; `last_wait_result` is an HRESULT as a signed number."""

    process_id: Uint32 = 0
    exited: Boolean = False
    exit_code: Uint32 = 0
    last_wait_result: Int32 = 0


class SignalProcessOptions(Document):
    """The signal."""

    signal: ProcessSignalWord = "CtrlC"


class ConsoleSize(Document):
    """In characters."""

    height: Uint16 = 0
    width: Uint16 = 0


class CloseHandle(Document):
    """The standard handle to close."""

    handle: StdHandleWord = "StdIn"


class ProcessModifyRequest(Document):
    """A change of a process: the member that the operation names."""

    operation: ModifyOperationWord = "ConsoleSize"
    console_size: ConsoleSize | None = None
    close_handle: CloseHandle | None = None
