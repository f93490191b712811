/* hns_service.exe: a service that is named as Windows' own, runs, and does nothing.
 *
 * A node knows by the process of the service "hns" whether HNS was started again since; on Wine there is none. HNS
 * itself is in the stand-in DLLs, which never look at this program.
 */
#include <windows.h>

static WCHAR name[] = L"hns";
static SERVICE_STATUS_HANDLE status_handle;
static HANDLE stopped;

static void report(DWORD state)
{
    SERVICE_STATUS status = {
        .dwServiceType = SERVICE_WIN32_OWN_PROCESS,
        .dwCurrentState = state,
        .dwControlsAccepted = SERVICE_ACCEPT_STOP,
    };
    SetServiceStatus(status_handle, &status);
}

static DWORD WINAPI on_control(DWORD control, DWORD type, void *data, void *context)
{
    (void)type, (void)data, (void)context;
    if (control == SERVICE_CONTROL_STOP)
        SetEvent(stopped);
    return NO_ERROR;
}

static void WINAPI run(DWORD count, WCHAR **arguments)
{
    (void)count, (void)arguments;
    stopped = CreateEventW(NULL, TRUE, FALSE, NULL);
    status_handle = RegisterServiceCtrlHandlerExW(name, on_control, NULL);
    report(SERVICE_RUNNING);
    WaitForSingleObject(stopped, INFINITE);
    report(SERVICE_STOPPED);
}

int main(void)
{
    SERVICE_TABLE_ENTRYW services[] = {{name, run}, {NULL, NULL}};
    return StartServiceCtrlDispatcherW(services) ? 0 : 1;
}
