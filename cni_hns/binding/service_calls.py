"""The C declarations of services: made, started, stopped and deleted, and this process as one.

Apart from those of the verbs (`build.py`), which load none of it. The rules are the same.
"""

from __future__ import annotations

__all__ = ["DECLARATIONS"]

_MANAGING = """
// https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_status
typedef struct _SERVICE_STATUS {
    DWORD dwServiceType;
    DWORD dwCurrentState;
    DWORD dwControlsAccepted;
    DWORD dwWin32ExitCode;
    DWORD dwServiceSpecificExitCode;
    DWORD dwCheckPoint;
    DWORD dwWaitHint;
} SERVICE_STATUS;
// https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-query_service_configw
typedef struct _QUERY_SERVICE_CONFIGW {
    DWORD dwServiceType;
    DWORD dwStartType;
    DWORD dwErrorControl;
    PWSTR lpBinaryPathName;
    PWSTR lpLoadOrderGroup;
    DWORD dwTagId;
    PWSTR lpDependencies;
    PWSTR lpServiceStartName;
    PWSTR lpDisplayName;
} QUERY_SERVICE_CONFIGW;
// https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_descriptionw
typedef struct _SERVICE_DESCRIPTIONW {
    PCWSTR lpDescription;
} SERVICE_DESCRIPTIONW;
// https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_delayed_auto_start_info
typedef struct _SERVICE_DELAYED_AUTO_START_INFO {
    BOOL fDelayedAutostart;
} SERVICE_DELAYED_AUTO_START_INFO;
// https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-sc_action
typedef struct _SC_ACTION {
    int32_t Type;
    DWORD Delay;
} SC_ACTION;
// https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_failure_actionsw
typedef struct _SERVICE_FAILURE_ACTIONSW {
    DWORD dwResetPeriod;
    PCWSTR lpRebootMsg;
    PCWSTR lpCommand;
    DWORD cActions;
    SC_ACTION *lpsaActions;
} SERVICE_FAILURE_ACTIONSW;
// https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_failure_actions_flag
typedef struct _SERVICE_FAILURE_ACTIONS_FLAG {
    BOOL fFailureActionsOnNonCrashFailures;
} SERVICE_FAILURE_ACTIONS_FLAG;
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-createservicew
HANDLE CreateServiceW(
    HANDLE Manager, PCWSTR ServiceName, PCWSTR DisplayName, DWORD DesiredAccess, DWORD ServiceType,
    DWORD StartType, DWORD ErrorControl, PCWSTR BinaryPathName, PCWSTR LoadOrderGroup, DWORD *TagId,
    PCWSTR Dependencies, PCWSTR ServiceStartName, PCWSTR Password);
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-changeserviceconfigw
BOOL ChangeServiceConfigW(
    HANDLE Service, DWORD ServiceType, DWORD StartType, DWORD ErrorControl, PCWSTR BinaryPathName,
    PCWSTR LoadOrderGroup, DWORD *TagId, PCWSTR Dependencies, PCWSTR ServiceStartName, PCWSTR Password,
    PCWSTR DisplayName);
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-changeserviceconfig2w
BOOL ChangeServiceConfig2W(HANDLE Service, DWORD InfoLevel, void *Info);
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-queryserviceconfigw
BOOL QueryServiceConfigW(
    HANDLE Service, QUERY_SERVICE_CONFIGW *ServiceConfig, DWORD BufferSize, DWORD *BytesNeeded);
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-startservicew
BOOL StartServiceW(HANDLE Service, DWORD Count, PCWSTR *Arguments);
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-controlservice
BOOL ControlService(HANDLE Service, DWORD Control, SERVICE_STATUS *ServiceStatus);
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-deleteservice
BOOL DeleteService(HANDLE Service);
"""

_BEING_ONE = """
// https://learn.microsoft.com/windows/win32/api/winsvc/nc-winsvc-lpservice_main_functionw
typedef void (*SERVICE_MAIN)(DWORD Count, PWSTR *Arguments);
// https://learn.microsoft.com/windows/win32/api/winsvc/nc-winsvc-lphandler_function_ex
typedef DWORD (*CONTROL_HANDLER)(DWORD Control, DWORD EventType, void *EventData, void *Context);
// https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_table_entryw
typedef struct _SERVICE_TABLE_ENTRYW {
    PCWSTR lpServiceName;
    SERVICE_MAIN lpServiceProc;
} SERVICE_TABLE_ENTRYW;
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-startservicectrldispatcherw
BOOL StartServiceCtrlDispatcherW(const SERVICE_TABLE_ENTRYW *ServiceStartTable);
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-registerservicectrlhandlerexw
HANDLE RegisterServiceCtrlHandlerExW(PCWSTR ServiceName, CONTROL_HANDLER Handler, void *Context);
// https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-setservicestatus
BOOL SetServiceStatus(HANDLE ServiceStatusHandle, SERVICE_STATUS *ServiceStatus);
"""

DECLARATIONS = _MANAGING + _BEING_ONE
