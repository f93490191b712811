"""Windows' job objects: processes that end together, at the latest when the handle of their job is closed."""

from __future__ import annotations

from cni_hns.binding._generated_ffi import ffi
from cni_hns.binding.windows import SystemLibrary
from cni_hns.typed import Any

__all__ = ["Job"]

# https://learn.microsoft.com/windows/win32/api/jobapi2/nf-jobapi2-setinformationjobobject
_EXTENDED_LIMIT_INFORMATION = 9
# https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-jobobject_basic_limit_information
_KILL_ON_JOB_CLOSE = 0x2000
_KILLED = 1

_kernel32: Any = SystemLibrary("kernel32.dll")
_ntdll: Any = SystemLibrary("ntdll.dll")


class Job:
    """A job whose processes, and all that they start, end with it. Nothing can leave it.

    Raises:
        OSError: Windows gives none.
    """

    def __init__(self) -> None:
        # No child inherits the handle: it is the last one, and this process's end closes it.
        self._handle = _kernel32.CreateJobObjectW(ffi.NULL, ffi.NULL)
        if self._handle == ffi.NULL:
            raise _failure("CreateJobObject")
        limits: Any = ffi.new("JOBOBJECT_EXTENDED_LIMIT_INFORMATION *")
        limits.BasicLimitInformation.LimitFlags = _KILL_ON_JOB_CLOSE
        size = ffi.sizeof("JOBOBJECT_EXTENDED_LIMIT_INFORMATION")
        if not _kernel32.SetInformationJobObject(self._handle, _EXTENDED_LIMIT_INFORMATION, limits, size):
            fault = _failure("SetInformationJobObject")
            self.close()
            raise fault

    def adopt(self, process: int) -> None:
        """Take in a process that was made suspended, by its handle, and let it run. Raises: OSError."""
        handle = ffi.cast("HANDLE", process)
        if not _kernel32.AssignProcessToJobObject(self._handle, handle):
            raise _failure("AssignProcessToJobObject")
        status = _ntdll.NtResumeProcess(handle)
        if status < 0:
            raise OSError(f"NtResumeProcess failed with status 0x{status & 0xFFFFFFFF:08X}")

    def kill(self) -> None:
        """End every process of the job."""
        _kernel32.TerminateJobObject(self._handle, _KILLED)

    def close(self) -> None:
        """Close the handle, with which the job's last processes end."""
        _kernel32.CloseHandle(self._handle)


def _failure(function: str) -> OSError:
    code = _kernel32.GetLastError()
    return OSError(code, f"{function} failed with Win32 error {code}")
