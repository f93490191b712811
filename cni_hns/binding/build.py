"""The C declarations of what the verbs call, and the command that makes `_generated_*.py` of declarations.

    python -m cni_hns.binding.build            writes the modules (commit them)
    python -m cni_hns.binding.build --check    ends with 1 if a committed module is another one

Rule 1: fixed-width types only. Microsoft's `long` and `wchar_t` have other sizes off Windows, and the
simulated HNS has to have the same ABI on every system. (No calling convention: 64-bit Windows has one.)
Rule 2: above each declaration stands its Microsoft page. Functions without a page are marked so; any function
may be missing from a build of Windows, and cffi's ABI mode looks each up at its first use.
Rule 3: each function shape is a typedef too (`HCN_OPEN`, …), for whoever implements the functions in Python.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile

import cffi

from cni_hns.binding import computecore, host_calls, service_calls

__all__ = ["DECLARATIONS", "generate", "main"]

_TYPES = """
// https://learn.microsoft.com/openspecs/windows_protocols/ms-dtyp/a9046ed2-bfb2-4d56-a719-2824afce59ac
typedef int32_t HRESULT;
// https://learn.microsoft.com/windows/win32/winprog/windows-data-types
typedef int32_t BOOL;
typedef uint16_t USHORT;
typedef uint32_t DWORD;
typedef uint64_t ULONGLONG;
typedef char16_t WCHAR;
typedef const WCHAR *PCWSTR;
typedef WCHAR *PWSTR;
typedef void *HANDLE;

// https://learn.microsoft.com/windows/win32/api/guiddef/ns-guiddef-guid
typedef struct _GUID {
    uint32_t Data1;
    uint16_t Data2;
    uint16_t Data3;
    uint8_t Data4[8];
} GUID;
typedef const GUID *REFGUID;

// https://learn.microsoft.com/virtualization/api/hcn/Reference/HCN_NETWORK
typedef void *HCN_NETWORK;
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HCN_ENDPOINT
typedef void *HCN_ENDPOINT;
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HCN_NAMESPACE
typedef void *HCN_NAMESPACE;
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HCN_LOADBALANCER
typedef void *HCN_LOADBALANCER;
// No page: seen in Microsoft's module hns.v2.psm1.
typedef void *HCN_SDNROUTE;
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HCN_CALLBACK
typedef void *HCN_CALLBACK;
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HCS_SYSTEM
typedef void *HCS_SYSTEM;
"""

_SHAPES = """
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HCN_NOTIFICATION_CALLBACK
typedef void (*HCN_NOTIFICATION_CALLBACK)(
    DWORD NotificationType, void *Context, HRESULT NotificationStatus, PCWSTR NotificationData);

// The shapes of the functions below, each shared by the families that have it.
typedef HRESULT (*HCN_ENUMERATE)(PCWSTR Query, PWSTR *Identifiers, PWSTR *ErrorRecord);
typedef HRESULT (*HCN_CREATE)(REFGUID Id, PCWSTR Settings, void **Object, PWSTR *ErrorRecord);
typedef HRESULT (*HCN_CREATE_ENDPOINT)(
    HCN_NETWORK Network, REFGUID Id, PCWSTR Settings, HCN_ENDPOINT *Endpoint, PWSTR *ErrorRecord);
typedef HRESULT (*HCN_OPEN)(REFGUID Id, void **Object, PWSTR *ErrorRecord);
typedef HRESULT (*HCN_MODIFY)(void *Object, PCWSTR Settings, PWSTR *ErrorRecord);
typedef HRESULT (*HCN_QUERY)(void *Object, PCWSTR Query, PWSTR *Properties, PWSTR *ErrorRecord);
typedef HRESULT (*HCN_DELETE)(REFGUID Id, PWSTR *ErrorRecord);
typedef HRESULT (*HCN_CLOSE)(void *Object);
typedef HRESULT (*HCN_REGISTER_SERVICE_CALLBACK)(
    HCN_NOTIFICATION_CALLBACK Callback, void *Context, HCN_CALLBACK *CallbackHandle);
typedef HRESULT (*HCN_UNREGISTER_SERVICE_CALLBACK)(HCN_CALLBACK CallbackHandle);
typedef HRESULT (*HNS_CALL)(PCWSTR Method, PCWSTR Path, PCWSTR Request, PWSTR *Response);
typedef HRESULT (*HCS_OPEN)(PCWSTR Id, HCS_SYSTEM *ComputeSystem, PWSTR *Result);
typedef HRESULT (*HCS_MODIFY)(HCS_SYSTEM ComputeSystem, PCWSTR Configuration, PWSTR *Result);
typedef HRESULT (*HCS_CLOSE)(HCS_SYSTEM ComputeSystem);
typedef void (*CO_TASK_MEM_FREE)(void *Memory);
"""

_COMPUTENETWORK = """
// computenetwork.dll: networks

// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnEnumerateNetworks
HRESULT HcnEnumerateNetworks(PCWSTR Query, PWSTR *Networks, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnCreateNetwork
HRESULT HcnCreateNetwork(REFGUID Id, PCWSTR Settings, HCN_NETWORK *Network, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnOpenNetwork
HRESULT HcnOpenNetwork(REFGUID Id, HCN_NETWORK *Network, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnModifyNetwork
HRESULT HcnModifyNetwork(HCN_NETWORK Network, PCWSTR Settings, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnQueryNetworkProperties
HRESULT HcnQueryNetworkProperties(HCN_NETWORK Network, PCWSTR Query, PWSTR *Properties, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnDeleteNetwork
HRESULT HcnDeleteNetwork(REFGUID Id, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnCloseNetwork
HRESULT HcnCloseNetwork(HCN_NETWORK Network);

// computenetwork.dll: endpoints

// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnEnumerateEndpoints
HRESULT HcnEnumerateEndpoints(PCWSTR Query, PWSTR *Endpoints, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnCreateEndpoint
HRESULT HcnCreateEndpoint(
    HCN_NETWORK Network, REFGUID Id, PCWSTR Settings, HCN_ENDPOINT *Endpoint, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnOpenEndpoint
HRESULT HcnOpenEndpoint(REFGUID Id, HCN_ENDPOINT *Endpoint, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnModifyEndpoint
HRESULT HcnModifyEndpoint(HCN_ENDPOINT Endpoint, PCWSTR Settings, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnQueryEndpointProperties
HRESULT HcnQueryEndpointProperties(
    HCN_ENDPOINT Endpoint, PCWSTR Query, PWSTR *Properties, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnDeleteEndpoint
HRESULT HcnDeleteEndpoint(REFGUID Id, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnCloseEndpoint
HRESULT HcnCloseEndpoint(HCN_ENDPOINT Endpoint);
// No page: seen in Microsoft's module hns.v2.psm1.
HRESULT HcnQueryEndpointStats(HCN_ENDPOINT Endpoint, PCWSTR Query, PWSTR *Statistics, PWSTR *ErrorRecord);
// No page: seen in Microsoft's module hns.v2.psm1.
HRESULT HcnQueryEndpointAddresses(HCN_ENDPOINT Endpoint, PCWSTR Query, PWSTR *Addresses, PWSTR *ErrorRecord);

// computenetwork.dll: namespaces

// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnEnumerateNamespaces
HRESULT HcnEnumerateNamespaces(PCWSTR Query, PWSTR *Namespaces, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnCreateNamespace
HRESULT HcnCreateNamespace(REFGUID Id, PCWSTR Settings, HCN_NAMESPACE *Namespace, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnOpenNamespace
HRESULT HcnOpenNamespace(REFGUID Id, HCN_NAMESPACE *Namespace, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnModifyNamespace
HRESULT HcnModifyNamespace(HCN_NAMESPACE Namespace, PCWSTR Settings, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnQueryNamespaceProperties
HRESULT HcnQueryNamespaceProperties(
    HCN_NAMESPACE Namespace, PCWSTR Query, PWSTR *Properties, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnDeleteNamespace
HRESULT HcnDeleteNamespace(REFGUID Id, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnCloseNamespace
HRESULT HcnCloseNamespace(HCN_NAMESPACE Namespace);

// computenetwork.dll: load balancers

// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnEnumerateLoadBalancers
HRESULT HcnEnumerateLoadBalancers(PCWSTR Query, PWSTR *LoadBalancers, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnCreateLoadBalancer
HRESULT HcnCreateLoadBalancer(
    REFGUID Id, PCWSTR Settings, HCN_LOADBALANCER *LoadBalancer, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnOpenLoadBalancer
HRESULT HcnOpenLoadBalancer(REFGUID Id, HCN_LOADBALANCER *LoadBalancer, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnModifyLoadBalancer
HRESULT HcnModifyLoadBalancer(HCN_LOADBALANCER LoadBalancer, PCWSTR Settings, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnQueryLoadBalancerProperties
HRESULT HcnQueryLoadBalancerProperties(
    HCN_LOADBALANCER LoadBalancer, PCWSTR Query, PWSTR *Properties, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnDeleteLoadBalancer
HRESULT HcnDeleteLoadBalancer(REFGUID Id, PWSTR *ErrorRecord);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnCloseLoadBalancer
HRESULT HcnCloseLoadBalancer(HCN_LOADBALANCER LoadBalancer);

// computenetwork.dll: SDN routes. None of these has a page: seen in Microsoft's hns.v2.psm1 and hcsshim.

HRESULT HcnEnumerateSdnRoutes(PCWSTR Query, PWSTR *Routes, PWSTR *ErrorRecord);
HRESULT HcnCreateSdnRoute(REFGUID Id, PCWSTR Settings, HCN_SDNROUTE *Route, PWSTR *ErrorRecord);
HRESULT HcnOpenSdnRoute(REFGUID Id, HCN_SDNROUTE *Route, PWSTR *ErrorRecord);
HRESULT HcnModifySdnRoute(HCN_SDNROUTE Route, PCWSTR Settings, PWSTR *ErrorRecord);
HRESULT HcnQuerySdnRouteProperties(HCN_SDNROUTE Route, PCWSTR Query, PWSTR *Properties, PWSTR *ErrorRecord);
HRESULT HcnDeleteSdnRoute(REFGUID Id, PWSTR *ErrorRecord);
HRESULT HcnCloseSdnRoute(HCN_SDNROUTE Route);

// computenetwork.dll: notifications

// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnRegisterServiceCallback
HRESULT HcnRegisterServiceCallback(
    HCN_NOTIFICATION_CALLBACK Callback, void *Context, HCN_CALLBACK *CallbackHandle);
// https://learn.microsoft.com/virtualization/api/hcn/Reference/HcnUnregisterServiceCallback
HRESULT HcnUnregisterServiceCallback(HCN_CALLBACK CallbackHandle);
"""

_VMCOMPUTE = """
// vmcompute.dll. computecore.dll has functions of the same names with other parameters, and an ffi of its own
// (`computecore.py`).

// No page: seen in Microsoft's hcsshim.
HRESULT HNSCall(PCWSTR Method, PCWSTR Path, PCWSTR Request, PWSTR *Response);
// No page: seen in Microsoft's hcsshim.
HRESULT HcsOpenComputeSystem(PCWSTR Id, HCS_SYSTEM *ComputeSystem, PWSTR *Result);
// No page: seen in Microsoft's hcsshim.
HRESULT HcsModifyComputeSystem(HCS_SYSTEM ComputeSystem, PCWSTR Configuration, PWSTR *Result);
// No page: seen in Microsoft's hcsshim.
HRESULT HcsCloseComputeSystem(HCS_SYSTEM ComputeSystem);
"""

_OLE32 = """
// https://learn.microsoft.com/windows/win32/api/combaseapi/nf-combaseapi-cotaskmemfree
void CoTaskMemFree(void *Memory);
"""

_KERNEL32 = """
// https://learn.microsoft.com/windows/win32/api/minwinbase/ns-minwinbase-filetime
typedef struct _FILETIME {
    DWORD dwLowDateTime;
    DWORD dwHighDateTime;
} FILETIME;
// https://learn.microsoft.com/windows/win32/api/sysinfoapi/nf-sysinfoapi-getsystemdirectoryw
uint32_t GetSystemDirectoryW(PWSTR Buffer, uint32_t Size);
// https://learn.microsoft.com/windows/win32/api/libloaderapi/nf-libloaderapi-loadlibraryexw
HANDLE LoadLibraryExW(PCWSTR FileName, HANDLE File, DWORD Flags);
// https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-openprocess
HANDLE OpenProcess(DWORD DesiredAccess, BOOL InheritHandle, DWORD ProcessId);
// https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getprocesstimes
BOOL GetProcessTimes(
    HANDLE Process, FILETIME *CreationTime, FILETIME *ExitTime, FILETIME *KernelTime, FILETIME *UserTime);
// https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getexitcodeprocess
BOOL GetExitCodeProcess(HANDLE Process, DWORD *ExitCode);
// https://learn.microsoft.com/windows/win32/api/errhandlingapi/nf-errhandlingapi-getlasterror
DWORD GetLastError(void);
// https://learn.microsoft.com/windows/win32/api/handleapi/nf-handleapi-closehandle
BOOL CloseHandle(HANDLE Object);
// https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getcurrentprocess
HANDLE GetCurrentProcess(void);
// https://learn.microsoft.com/windows/win32/api/wtypesbase/ns-wtypesbase-security_attributes
typedef struct _SECURITY_ATTRIBUTES {
    DWORD nLength;
    void *lpSecurityDescriptor;
    BOOL bInheritHandle;
} SECURITY_ATTRIBUTES;
// https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createdirectoryw
BOOL CreateDirectoryW(PCWSTR PathName, SECURITY_ATTRIBUTES *SecurityAttributes);
// https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-localfree
HANDLE LocalFree(HANDLE Memory);
// https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-jobobject_basic_limit_information
typedef struct _JOBOBJECT_BASIC_LIMIT_INFORMATION {
    int64_t PerProcessUserTimeLimit;
    int64_t PerJobUserTimeLimit;
    DWORD LimitFlags;
    uint64_t MinimumWorkingSetSize;
    uint64_t MaximumWorkingSetSize;
    DWORD ActiveProcessLimit;
    uint64_t Affinity;
    DWORD PriorityClass;
    DWORD SchedulingClass;
} JOBOBJECT_BASIC_LIMIT_INFORMATION;
// https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-io_counters
typedef struct _IO_COUNTERS {
    ULONGLONG Counters[6];
} IO_COUNTERS;
// https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-jobobject_extended_limit_information
typedef struct _JOBOBJECT_EXTENDED_LIMIT_INFORMATION {
    JOBOBJECT_BASIC_LIMIT_INFORMATION BasicLimitInformation;
    IO_COUNTERS IoInfo;
    uint64_t ProcessMemoryLimit;
    uint64_t JobMemoryLimit;
    uint64_t PeakProcessMemoryUsed;
    uint64_t PeakJobMemoryUsed;
} JOBOBJECT_EXTENDED_LIMIT_INFORMATION;
// https://learn.microsoft.com/windows/win32/api/jobapi2/nf-jobapi2-createjobobjectw
HANDLE CreateJobObjectW(SECURITY_ATTRIBUTES *JobAttributes, PCWSTR Name);
// https://learn.microsoft.com/windows/win32/api/jobapi2/nf-jobapi2-setinformationjobobject
BOOL SetInformationJobObject(
    HANDLE Job, int32_t InformationClass, JOBOBJECT_EXTENDED_LIMIT_INFORMATION *Information, DWORD Length);
// https://learn.microsoft.com/windows/win32/api/jobapi2/nf-jobapi2-assignprocesstojobobject
BOOL AssignProcessToJobObject(HANDLE Job, HANDLE Process);
// https://learn.microsoft.com/windows/win32/api/jobapi2/nf-jobapi2-terminatejobobject
BOOL TerminateJobObject(HANDLE Job, uint32_t ExitCode);
"""

_NTDLL = """
// It resumes every thread of a process, where ResumeThread needs a handle of the first one, which Python's
// `subprocess` closes.
// No page: seen in psutil, whose `Process.resume` it is.
int32_t NtResumeProcess(HANDLE Process);
"""

_ADVAPI32 = """
// https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_status_process
typedef struct _SERVICE_STATUS_PROCESS {
    DWORD dwServiceType;
    DWORD dwCurrentState;
    DWORD dwControlsAccepted;
    DWORD dwWin32ExitCode;
    DWORD dwServiceSpecificExitCode;
    DWORD dwCheckPoint;
    DWORD dwWaitHint;
    DWORD dwProcessId;
    DWORD dwServiceFlags;
} SERVICE_STATUS_PROCESS;
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-openscmanagerw
HANDLE OpenSCManagerW(PCWSTR MachineName, PCWSTR DatabaseName, DWORD DesiredAccess);
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-openservicew
HANDLE OpenServiceW(HANDLE Manager, PCWSTR ServiceName, DWORD DesiredAccess);
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-queryservicestatusex
BOOL QueryServiceStatusEx(
    HANDLE Service, DWORD InfoLevel, SERVICE_STATUS_PROCESS *Buffer, DWORD BufferSize, DWORD *BytesNeeded);
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-closeservicehandle
BOOL CloseServiceHandle(HANDLE Object);
// https://learn.microsoft.com/windows/win32/api/winreg/nf-winreg-reggetvaluew
int32_t RegGetValueW(
    HANDLE Key, PCWSTR SubKey, PCWSTR Value, DWORD Flags, DWORD *Type, void *Data, DWORD *DataSize);
// https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-getfilesecurityw
BOOL GetFileSecurityW(
    PCWSTR FileName, DWORD RequestedInformation, void *SecurityDescriptor, DWORD Length, DWORD *LengthNeeded);
// https://learn.microsoft.com/windows/win32/api/sddl/nf-sddl-convertstringsecuritydescriptortosecuritydescriptorw
BOOL ConvertStringSecurityDescriptorToSecurityDescriptorW(
    PCWSTR StringSecurityDescriptor, DWORD Revision, void **SecurityDescriptor, uint32_t *Size);
// https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-openprocesstoken
BOOL OpenProcessToken(HANDLE Process, DWORD DesiredAccess, HANDLE *Token);
// https://learn.microsoft.com/windows/win32/api/securitybaseapi/nf-securitybaseapi-gettokeninformation
BOOL GetTokenInformation(
    HANDLE Token, int32_t InformationClass, void *Information, DWORD Length, DWORD *LengthNeeded);
"""

DECLARATIONS = _TYPES + _SHAPES + _COMPUTENETWORK + _VMCOMPUTE + _OLE32 + _KERNEL32 + _NTDLL + _ADVAPI32

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def _builder(module: str, declarations: str, above: cffi.FFI | None = None) -> cffi.FFI:
    builder = cffi.FFI()
    if above is not None:
        builder.include(above)
    builder.cdef(declarations)
    builder.set_source(f"cni_hns.binding.{module}", None)
    return builder


def _text(builder: cffi.FFI) -> str:
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "module.py")
        with contextlib.redirect_stdout(io.StringIO()):  # cffi tells where it writes
            builder.emit_python_code(target)
        with open(target, encoding="utf-8") as file:
            return file.read()


def generate() -> dict[str, str]:
    """The generated modules by the names of their files; the same on every system."""
    verbs = _builder("_generated_ffi", DECLARATIONS)
    containers = _builder("_generated_computecore", computecore.DECLARATIONS, verbs)
    machine = _builder("_generated_host", host_calls.DECLARATIONS, verbs)
    services = _builder("_generated_services", service_calls.DECLARATIONS, verbs)
    return {
        "_generated_ffi.py": _text(verbs),
        "_generated_computecore.py": _text(containers),
        "_generated_host.py": _text(machine),
        "_generated_services.py": _text(services),
    }


def _committed(name: str) -> str:
    try:
        with open(os.path.join(_FOLDER, name), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def main(arguments: list[str]) -> int:
    """Write the modules, or with `--check` only compare; the exit code."""
    stale = {name: text for name, text in generate().items() if text != _committed(name)}
    if "--check" in arguments:
        for name in stale:
            sys.stderr.write(f"{name} is stale: run `python -m cni_hns.binding.build` and commit it\n")
        return 1 if stale else 0
    for name, text in stale.items():
        with open(os.path.join(_FOLDER, name), "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
