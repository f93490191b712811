/* vmcompute.dll: HNSCall and compute systems, passed to the simulated node. Image layers are refused: it has none.
 *
 * Names and signatures as Microsoft's hcsshim has them; there is no page. A function that refuses need not know its
 * arguments.
 */
#include "standin.h"
#include <computedefs.h>
#include <objbase.h>

static const HRESULT PARAMETER_INCORRECT = (HRESULT)0x80070057;

HRESULT WINAPI HNSCall(PCWSTR method, PCWSTR path, PCWSTR request, PWSTR *response)
{
    struct call call = {"HNSCall", NULL, 3, {method, path, request}, NULL, response, NULL, NULL};
    if (!method || !path || !request || !response)
        return PARAMETER_INCORRECT;
    *response = NULL;
    return standin_call(&call);
}

/* ---- Compute systems and their processes. A wrong order of arguments would not be seen by the compiler here: there is
 * no header; the types below are those of computedefs.h. ---- */

typedef HCS_NOTIFICATION_CALLBACK NOTIFICATION;

/* Texts go in; a text may come out, and a ResultError. */
static HRESULT told(struct call call, PWSTR *answer, PWSTR *result)
{
    if (answer)
        *answer = NULL;
    if (result)
        *result = NULL;
    call.answer = answer;
    call.record = result;
    return standin_call(&call);
}

/* A handle comes out. Of a system it does with "pending" too. */
static HRESULT opened(struct call call, void *slot, PWSTR *answer, PWSTR *result)
{
    if (!slot)
        return PARAMETER_INCORRECT;
    call.opened = slot;
    *call.opened = NULL;
    return told(call, answer, result);
}

/* The process's id comes as a text. Who does not want to be informed cannot use the pipes. */
static void inform(HCS_PROCESS_INFORMATION *information, PWSTR process_id, const uint64_t streams[STREAMS])
{
    HCS_PROCESS_INFORMATION made = {.ProcessId = process_id ? wcstoul(process_id, NULL, 10) : 0};
    CoTaskMemFree(process_id);
    standin_pipes(streams, &made.StdInput, &made.StdOutput, &made.StdError);
    if (information) {
        *information = made;
        return;
    }
    CloseHandle(made.StdInput);
    CloseHandle(made.StdOutput);
    CloseHandle(made.StdError);
}

#define CALL(FUNCTION, OBJECT, COUNT, ...)                                                                            \
    (struct call)                                                                                                     \
    {                                                                                                                 \
        .function = FUNCTION, .handle = OBJECT, .count = COUNT, .texts = { __VA_ARGS__ }                              \
    }

HRESULT WINAPI HcsCreateComputeSystem(PCWSTR id, PCWSTR configuration, HANDLE identity, HCS_SYSTEM *system,
                                      PWSTR *result)
{
    (void)identity;
    return opened(CALL("HcsCreateComputeSystem", NULL, 2, id, configuration), system, NULL, result);
}

HRESULT WINAPI HcsOpenComputeSystem(PCWSTR id, HCS_SYSTEM *system, PWSTR *result)
{
    return opened(CALL("HcsOpenComputeSystem", NULL, 1, id), system, NULL, result);
}

HRESULT WINAPI HcsCreateProcess(HCS_SYSTEM system, PCWSTR parameters, HCS_PROCESS_INFORMATION *information,
                                HCS_PROCESS *process, PWSTR *result)
{
    PWSTR process_id = NULL;
    uint64_t streams[STREAMS] = {0};
    struct call call = CALL("HcsCreateProcess", system, 1, parameters);
    HRESULT done;
    call.streams = streams;
    done = opened(call, process, &process_id, result);
    inform(information, process_id, streams);
    return done;
}

HRESULT WINAPI HcsOpenProcess(HCS_SYSTEM system, DWORD process_id, HCS_PROCESS *process, PWSTR *result)
{
    wchar_t number[NUMBER_UNITS];
    return opened(CALL("HcsOpenProcess", system, 1, standin_number(process_id, number)), process, NULL, result);
}

HRESULT WINAPI HcsGetProcessInfo(HCS_PROCESS process, HCS_PROCESS_INFORMATION *information, PWSTR *result)
{
    PWSTR process_id = NULL;
    uint64_t streams[STREAMS] = {0};
    struct call call = CALL("HcsGetProcessInfo", process, 0, NULL);
    HRESULT done;
    call.streams = streams;
    done = told(call, &process_id, result);
    inform(information, process_id, streams);
    return done;
}

HRESULT WINAPI HcsTerminateProcess(HCS_PROCESS process, PWSTR *result)
{
    return told(CALL("HcsTerminateProcess", process, 0, NULL), NULL, result);
}

#define ASKS(FUNCTION, KIND)                                                                                          \
    HRESULT WINAPI FUNCTION(KIND object, PCWSTR options, PWSTR *result)                                               \
    {                                                                                                                 \
        return told(CALL(#FUNCTION, object, 1, options), NULL, result);                                               \
    }

ASKS(HcsStartComputeSystem, HCS_SYSTEM)
ASKS(HcsShutdownComputeSystem, HCS_SYSTEM)
ASKS(HcsTerminateComputeSystem, HCS_SYSTEM)
ASKS(HcsPauseComputeSystem, HCS_SYSTEM)
ASKS(HcsResumeComputeSystem, HCS_SYSTEM)
ASKS(HcsSaveComputeSystem, HCS_SYSTEM)
ASKS(HcsModifyComputeSystem, HCS_SYSTEM)
ASKS(HcsSignalProcess, HCS_PROCESS)
ASKS(HcsModifyProcess, HCS_PROCESS)

HRESULT WINAPI HcsModifyServiceSettings(PCWSTR settings, PWSTR *result)
{
    return told(CALL("HcsModifyServiceSettings", NULL, 1, settings), NULL, result);
}

#define ANSWERS(FUNCTION, COUNT, OBJECT, QUERY, ...)                                                                  \
    HRESULT WINAPI FUNCTION(__VA_ARGS__, PWSTR *answer, PWSTR *result)                                                \
    {                                                                                                                 \
        if (!answer)                                                                                                  \
            return PARAMETER_INCORRECT;                                                                               \
        return told(CALL(#FUNCTION, OBJECT, COUNT, QUERY), answer, result);                                           \
    }

ANSWERS(HcsGetComputeSystemProperties, 1, system, query, HCS_SYSTEM system, PCWSTR query)
ANSWERS(HcsGetProcessProperties, 0, process, NULL, HCS_PROCESS process)
ANSWERS(HcsEnumerateComputeSystems, 1, NULL, query, PCWSTR query)
ANSWERS(HcsGetServiceProperties, 1, NULL, query, PCWSTR query)

#define CLOSES(FUNCTION, KIND)                                                                                        \
    HRESULT WINAPI FUNCTION(KIND object)                                                                              \
    {                                                                                                                 \
        return told(CALL(#FUNCTION, object, 0, NULL), NULL, NULL);                                                    \
    }

CLOSES(HcsCloseComputeSystem, HCS_SYSTEM)
CLOSES(HcsCloseProcess, HCS_PROCESS)

#define REGISTERS(FUNCTION, KIND)                                                                                     \
    HRESULT WINAPI FUNCTION(KIND object, NOTIFICATION callback, void *context, HCS_CALLBACK *handle)                  \
    {                                                                                                                 \
        HRESULT done = callback ? opened(CALL(#FUNCTION, object, 0, NULL), handle, NULL, NULL) : PARAMETER_INCORRECT; \
        return done == S_OK ? standin_listen(*handle, standin_notified, callback, context) : done;                    \
    }

REGISTERS(HcsRegisterComputeSystemCallback, HCS_SYSTEM)
REGISTERS(HcsRegisterProcessCallback, HCS_PROCESS)

#define UNREGISTERS(FUNCTION)                                                                                         \
    HRESULT WINAPI FUNCTION(HCS_CALLBACK handle)                                                                      \
    {                                                                                                                 \
        HRESULT done = told(CALL(#FUNCTION, handle, 0, NULL), NULL, NULL);                                            \
        if (done == S_OK)                                                                                             \
            standin_unlisten(handle);                                                                                 \
        return done;                                                                                                  \
    }

UNREGISTERS(HcsUnregisterComputeSystemCallback)
UNREGISTERS(HcsUnregisterProcessCallback)

/* ---- What the simulated node does not have ---- */

#define REFUSES(NAME)                                                                                                 \
    HRESULT WINAPI NAME(void)                                                                                         \
    {                                                                                                                 \
        return E_NOTIMPL;                                                                                             \
    }

REFUSES(ActivateLayer)
REFUSES(CopyLayer)
REFUSES(CreateLayer)
REFUSES(CreateSandboxLayer)
REFUSES(DeactivateLayer)
REFUSES(DestroyLayer)
REFUSES(ExpandSandboxSize)
REFUSES(ExportLayer)
REFUSES(GetBaseImages)
REFUSES(GetLayerMountPath)
REFUSES(GrantVmAccess)
REFUSES(ImportLayer)
REFUSES(LayerExists)
REFUSES(NameToGuid)
REFUSES(PrepareLayer)
REFUSES(ProcessBaseImage)
REFUSES(ProcessUtilityImage)
REFUSES(UnprepareLayer)
