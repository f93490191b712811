"""The C declarations of computecore.dll: containers, their processes, and operations that end later.

Apart from those of the verbs (`build.py`): no verb loads them, and vmcompute.dll has functions of the
same names with other parameters. The rules are the same; an enumeration is an `int32_t` or a `DWORD`.
"""

from __future__ import annotations

__all__ = ["DECLARATIONS"]

_TYPES = """
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsOperation
typedef void *HCS_OPERATION;
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsProcess
typedef void *HCS_PROCESS;
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HCS_OPERATION_COMPLETION
typedef void (*HCS_OPERATION_COMPLETION)(HCS_OPERATION Operation, void *Context);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HCS_EVENT
typedef struct _HCS_EVENT {
    int32_t Type;
    PCWSTR EventData;
    HCS_OPERATION Operation;
} HCS_EVENT;
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HCS_EVENT_CALLBACK
typedef void (*HCS_EVENT_CALLBACK)(HCS_EVENT *Event, void *Context);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HCS_PROCESS_INFORMATION
typedef struct _HCS_PROCESS_INFORMATION {
    DWORD ProcessId;
    DWORD Reserved;
    HANDLE StdInput;
    HANDLE StdOutput;
    HANDLE StdError;
} HCS_PROCESS_INFORMATION;
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HCS_CREATE_OPTIONS_1
typedef struct _HCS_CREATE_OPTIONS_1 {
    int32_t Version;
    HANDLE UserToken;
    void *SecurityDescriptor;
    int32_t CallbackOptions;
    void *CallbackContext;
    HCS_EVENT_CALLBACK Callback;
} HCS_CREATE_OPTIONS_1;
"""

_SHAPES = """
// The shapes of the functions below, each shared by those that have it.
typedef HCS_OPERATION (*HCS_CREATE_OPERATION)(const void *Context, HCS_OPERATION_COMPLETION Callback);
typedef HCS_OPERATION (*HCS_CREATE_OPERATION_WITH_NOTIFICATIONS)(
    DWORD EventTypes, const void *Context, HCS_EVENT_CALLBACK Callback);
typedef void (*HCS_CLOSE_OBJECT)(void *Object);
typedef void *(*HCS_OBJECT_OF_OPERATION)(HCS_OPERATION Operation);
typedef HRESULT (*HCS_SET_OPERATION_CONTEXT)(HCS_OPERATION Operation, const void *Context);
typedef int32_t (*HCS_OPERATION_NUMBER)(HCS_OPERATION Operation);
typedef ULONGLONG (*HCS_OPERATION_ID)(HCS_OPERATION Operation);
typedef HRESULT (*HCS_RESULT)(HCS_OPERATION Operation, PWSTR *ResultDocument);
typedef HRESULT (*HCS_RESULT_AND_PROCESS)(
    HCS_OPERATION Operation, HCS_PROCESS_INFORMATION *ProcessInformation, PWSTR *ResultDocument);
typedef HRESULT (*HCS_OPERATION_PROPERTIES)(
    HCS_OPERATION Operation, PCWSTR Options, PWSTR *ResultDocument);
typedef HRESULT (*HCS_ADD_RESOURCE)(HCS_OPERATION Operation, DWORD Type, PCWSTR Uri, HANDLE Handle);
typedef HRESULT (*HCS_WAIT)(void *Object, DWORD TimeoutMs, PWSTR *ResultDocument);
typedef HRESULT (*HCS_WAIT_AND_PROCESS)(
    HCS_OPERATION Operation, DWORD TimeoutMs, HCS_PROCESS_INFORMATION *ProcessInformation, PWSTR
    *ResultDocument);
typedef HRESULT (*HCS_SET_OPERATION_CALLBACK)(
    HCS_OPERATION Operation, const void *Context, HCS_OPERATION_COMPLETION Callback);
typedef HRESULT (*HCS_CANCEL)(HCS_OPERATION Operation);
typedef HRESULT (*HCS_ENUMERATE)(PCWSTR Query, HCS_OPERATION Operation);
typedef HRESULT (*HCS_ENUMERATE_IN_NAMESPACE)(PCWSTR IdNamespace, PCWSTR Query, HCS_OPERATION Operation);
typedef HRESULT (*HCS_CREATE_OBJECT)(
    PCWSTR Id, PCWSTR Configuration, HCS_OPERATION Operation, const void *SecurityDescriptor, HCS_SYSTEM
    *ComputeSystem);
typedef HRESULT (*HCS_CREATE_IN_NAMESPACE)(
    PCWSTR IdNamespace, PCWSTR Id, PCWSTR Configuration, HCS_OPERATION Operation, const
    HCS_CREATE_OPTIONS_1 *Options, HCS_SYSTEM *ComputeSystem);
typedef HRESULT (*HCS_OPEN_SYSTEM)(PCWSTR Id, DWORD RequestedAccess, HCS_SYSTEM *ComputeSystem);
typedef HRESULT (*HCS_OPEN_IN_NAMESPACE)(
    PCWSTR IdNamespace, PCWSTR Id, DWORD RequestedAccess, HCS_SYSTEM *ComputeSystem);
typedef HRESULT (*HCS_ASK)(void *Object, HCS_OPERATION Operation, PCWSTR Options);
typedef HRESULT (*HCS_MODIFY_SYSTEM)(
    HCS_SYSTEM ComputeSystem, HCS_OPERATION Operation, PCWSTR Configuration, HANDLE Identity);
typedef HRESULT (*HCS_SET_CALLBACK)(
    void *Object, int32_t CallbackOptions, const void *Context, HCS_EVENT_CALLBACK Callback);
typedef HRESULT (*HCS_CREATE_PROCESS)(
    HCS_SYSTEM ComputeSystem, PCWSTR ProcessParameters, HCS_OPERATION Operation, const void
    *SecurityDescriptor, HCS_PROCESS *Process);
typedef HRESULT (*HCS_OPEN_PROCESS)(
    HCS_SYSTEM ComputeSystem, DWORD ProcessId, DWORD RequestedAccess, HCS_PROCESS *Process);
typedef HRESULT (*HCS_PROCESS_INFO)(HCS_PROCESS Process, HCS_OPERATION Operation);
typedef HRESULT (*HCS_QUERY_SERVICE)(PCWSTR PropertyQuery, PWSTR *Result);
"""

_COMPUTECORE = """
// computecore.dll: operations

// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsCreateOperation
HCS_OPERATION HcsCreateOperation(const void *Context, HCS_OPERATION_COMPLETION Callback);
// No page: seen in the metadata of Windows (windows-rs).
HCS_OPERATION HcsCreateOperationWithNotifications(
    DWORD EventTypes, const void *Context, HCS_EVENT_CALLBACK Callback);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsCloseOperation
void HcsCloseOperation(HCS_OPERATION Operation);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsGetOperationContext
void *HcsGetOperationContext(HCS_OPERATION Operation);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsSetOperationContext
HRESULT HcsSetOperationContext(HCS_OPERATION Operation, const void *Context);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsGetComputeSystemFromOperation
HCS_SYSTEM HcsGetComputeSystemFromOperation(HCS_OPERATION Operation);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsGetProcessFromOperation
HCS_PROCESS HcsGetProcessFromOperation(HCS_OPERATION Operation);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsGetOperationType
int32_t HcsGetOperationType(HCS_OPERATION Operation);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsGetOperationId
ULONGLONG HcsGetOperationId(HCS_OPERATION Operation);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsGetOperationResult
HRESULT HcsGetOperationResult(HCS_OPERATION Operation, PWSTR *ResultDocument);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsGetOperationResultAndProcessInfo
HRESULT HcsGetOperationResultAndProcessInfo(
    HCS_OPERATION Operation, HCS_PROCESS_INFORMATION *ProcessInformation, PWSTR *ResultDocument);
// No page: seen in the metadata of Windows (windows-rs).
HRESULT HcsGetOperationProperties(HCS_OPERATION Operation, PCWSTR Options, PWSTR *ResultDocument);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsAddResourceToOperation
HRESULT HcsAddResourceToOperation(HCS_OPERATION Operation, DWORD Type, PCWSTR Uri, HANDLE Handle);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsWaitForOperationResult
HRESULT HcsWaitForOperationResult(HCS_OPERATION Operation, DWORD TimeoutMs, PWSTR *ResultDocument);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsWaitForOperationResultAndProcessInfo
HRESULT HcsWaitForOperationResultAndProcessInfo(
    HCS_OPERATION Operation, DWORD TimeoutMs, HCS_PROCESS_INFORMATION *ProcessInformation, PWSTR
    *ResultDocument);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsSetOperationCallback
HRESULT HcsSetOperationCallback(
    HCS_OPERATION Operation, const void *Context, HCS_OPERATION_COMPLETION Callback);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsCancelOperation
HRESULT HcsCancelOperation(HCS_OPERATION Operation);

// computecore.dll: compute systems

// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsEnumerateComputeSystems
HRESULT HcsEnumerateComputeSystems(PCWSTR Query, HCS_OPERATION Operation);
// No page: seen in the metadata of Windows (windows-rs).
HRESULT HcsEnumerateComputeSystemsInNamespace(PCWSTR IdNamespace, PCWSTR Query, HCS_OPERATION Operation);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsCreateComputeSystem
HRESULT HcsCreateComputeSystem(
    PCWSTR Id, PCWSTR Configuration, HCS_OPERATION Operation, const void *SecurityDescriptor, HCS_SYSTEM
    *ComputeSystem);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsCreateComputeSystemInNamespace
HRESULT HcsCreateComputeSystemInNamespace(
    PCWSTR IdNamespace, PCWSTR Id, PCWSTR Configuration, HCS_OPERATION Operation, const
    HCS_CREATE_OPTIONS_1 *Options, HCS_SYSTEM *ComputeSystem);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsOpenComputeSystem
HRESULT HcsOpenComputeSystem(PCWSTR Id, DWORD RequestedAccess, HCS_SYSTEM *ComputeSystem);
// No page: seen in the metadata of Windows (windows-rs).
HRESULT HcsOpenComputeSystemInNamespace(
    PCWSTR IdNamespace, PCWSTR Id, DWORD RequestedAccess, HCS_SYSTEM *ComputeSystem);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsCloseComputeSystem
void HcsCloseComputeSystem(HCS_SYSTEM ComputeSystem);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsStartComputeSystem
HRESULT HcsStartComputeSystem(HCS_SYSTEM ComputeSystem, HCS_OPERATION Operation, PCWSTR Options);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsShutDownComputeSystem
HRESULT HcsShutDownComputeSystem(HCS_SYSTEM ComputeSystem, HCS_OPERATION Operation, PCWSTR Options);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsTerminateComputeSystem
HRESULT HcsTerminateComputeSystem(HCS_SYSTEM ComputeSystem, HCS_OPERATION Operation, PCWSTR Options);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsCrashComputeSystem
HRESULT HcsCrashComputeSystem(HCS_SYSTEM ComputeSystem, HCS_OPERATION Operation, PCWSTR Options);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsPauseComputeSystem
HRESULT HcsPauseComputeSystem(HCS_SYSTEM ComputeSystem, HCS_OPERATION Operation, PCWSTR Options);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsResumeComputeSystem
HRESULT HcsResumeComputeSystem(HCS_SYSTEM ComputeSystem, HCS_OPERATION Operation, PCWSTR Options);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsSaveComputeSystem
HRESULT HcsSaveComputeSystem(HCS_SYSTEM ComputeSystem, HCS_OPERATION Operation, PCWSTR Options);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsGetComputeSystemProperties
HRESULT HcsGetComputeSystemProperties(
    HCS_SYSTEM ComputeSystem, HCS_OPERATION Operation, PCWSTR PropertyQuery);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsModifyComputeSystem
HRESULT HcsModifyComputeSystem(
    HCS_SYSTEM ComputeSystem, HCS_OPERATION Operation, PCWSTR Configuration, HANDLE Identity);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsWaitForComputeSystemExit
HRESULT HcsWaitForComputeSystemExit(HCS_SYSTEM ComputeSystem, DWORD TimeoutMs, PWSTR *Result);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsSetComputeSystemCallback
HRESULT HcsSetComputeSystemCallback(
    HCS_SYSTEM ComputeSystem, int32_t CallbackOptions, const void *Context, HCS_EVENT_CALLBACK Callback);

// computecore.dll: processes

// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsCreateProcess
HRESULT HcsCreateProcess(
    HCS_SYSTEM ComputeSystem, PCWSTR ProcessParameters, HCS_OPERATION Operation, const void
    *SecurityDescriptor, HCS_PROCESS *Process);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsOpenProcess
HRESULT HcsOpenProcess(
    HCS_SYSTEM ComputeSystem, DWORD ProcessId, DWORD RequestedAccess, HCS_PROCESS *Process);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsCloseProcess
void HcsCloseProcess(HCS_PROCESS Process);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsTerminateProcess
HRESULT HcsTerminateProcess(HCS_PROCESS Process, HCS_OPERATION Operation, PCWSTR Options);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsSignalProcess
HRESULT HcsSignalProcess(HCS_PROCESS Process, HCS_OPERATION Operation, PCWSTR Options);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsGetProcessInfo
HRESULT HcsGetProcessInfo(HCS_PROCESS Process, HCS_OPERATION Operation);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsGetProcessProperties
HRESULT HcsGetProcessProperties(HCS_PROCESS Process, HCS_OPERATION Operation, PCWSTR PropertyQuery);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsModifyProcess
HRESULT HcsModifyProcess(HCS_PROCESS Process, HCS_OPERATION Operation, PCWSTR Settings);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsSetProcessCallback
HRESULT HcsSetProcessCallback(
    HCS_PROCESS Process, int32_t CallbackOptions, void *Context, HCS_EVENT_CALLBACK Callback);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsWaitForProcessExit
HRESULT HcsWaitForProcessExit(HCS_PROCESS Process, DWORD TimeoutMs, PWSTR *Result);

// computecore.dll: the service

// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsGetServiceProperties
HRESULT HcsGetServiceProperties(PCWSTR PropertyQuery, PWSTR *Result);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsModifyServiceSettings
HRESULT HcsModifyServiceSettings(PCWSTR Settings, PWSTR *Result);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsSubmitWerReport
HRESULT HcsSubmitWerReport(PCWSTR Settings);

// computecore.dll: files and rights of virtual machines

// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsCreateEmptyGuestStateFile
HRESULT HcsCreateEmptyGuestStateFile(PCWSTR GuestStateFilePath);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsCreateEmptyRuntimeStateFile
HRESULT HcsCreateEmptyRuntimeStateFile(PCWSTR RuntimeStateFilePath);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsGetProcessorCompatibilityFromSavedState
HRESULT HcsGetProcessorCompatibilityFromSavedState(
    PCWSTR RuntimeFileName, PCWSTR *ProcessorFeaturesString);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsGrantVmAccess
HRESULT HcsGrantVmAccess(PCWSTR VmId, PCWSTR FilePath);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsRevokeVmAccess
HRESULT HcsRevokeVmAccess(PCWSTR VmId, PCWSTR FilePath);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsGrantVmGroupAccess
HRESULT HcsGrantVmGroupAccess(PCWSTR FilePath);
// https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsRevokeVmGroupAccess
HRESULT HcsRevokeVmGroupAccess(PCWSTR FilePath);
"""

DECLARATIONS = _TYPES + _SHAPES + _COMPUTECORE
