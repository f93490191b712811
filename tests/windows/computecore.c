/* computecore.dll: the Host Compute System API, passed to the simulated node.
 *
 * Signatures are those of mingw-w64's computecore.h, which the compiler compares. An operation runs at the node; what it
 * and the events have to say is told from a thread of this process.
 */
#include "standin.h"
#include <computecore.h>

static const HRESULT PARAMETER_INCORRECT = (HRESULT)0x80070057;

/* Arguments as the wire has them, written where they are used. */
#define NUMBER(VALUE) standin_number((uint64_t)(VALUE), (wchar_t[NUMBER_UNITS]){0})
#define OBJECT(HANDLE) NUMBER((uintptr_t)(HANDLE))
#define WHETHER(CALLBACK) ((CALLBACK) ? L"1" : NULL)
#define NAME(FUNCTION) "computecore!" FUNCTION
#define CALL(FUNCTION, COUNT, ...)                                                                                    \
    (struct call)                                                                                                     \
    {                                                                                                                 \
        .function = FUNCTION, .count = COUNT, .texts = { __VA_ARGS__ }                                                \
    }

/* Nothing goes out with these. */
static HRESULT asked(const char *function, void *object, HCS_OPERATION operation, PCWSTR options)
{
    struct call call = CALL(function, 3, OBJECT(object), OBJECT(operation), options);
    return standin_call(&call);
}

static void closed(const char *function, void *object)
{
    struct call call = CALL(function, 1, OBJECT(object));
    standin_call(&call);
    standin_unlisten(object);
}

/* ---- What is told ---- */

static void tell_event(void *handle, void *callback, void *context, DWORD type, HRESULT status, PCWSTR data)
{
    HCS_EVENT event = {.Type = (HCS_EVENT_TYPE)type, .EventData = data, .Operation = NULL};
    (void)handle, (void)status;
    ((HCS_EVENT_CALLBACK)callback)(&event, context);
}

static void tell_end(void *handle, void *callback, void *context, DWORD type, HRESULT status, PCWSTR data)
{
    (void)type, (void)status, (void)data;
    ((HCS_OPERATION_COMPLETION)callback)(handle, context);
}

/* On the wire the context is the handle: this side alone knows the caller's. */
static HRESULT listens(const char *function, void *object, HCS_EVENT_OPTIONS options, HCS_EVENT_CALLBACK callback,
                       const void *context)
{
    struct call call = CALL(function, 4, OBJECT(object), NUMBER(options), OBJECT(object), WHETHER(callback));
    HRESULT result = standin_call(&call);
    if (result != S_OK)
        return result;
    if (!callback)
        standin_unlisten(object);
    return standin_listen(object, tell_event, callback, (void *)context);
}

HRESULT WINAPI HcsSetComputeSystemCallback(HCS_SYSTEM system, HCS_EVENT_OPTIONS options, const void *context,
                                           HCS_EVENT_CALLBACK callback)
{
    return listens(NAME("HcsSetComputeSystemCallback"), system, options, callback, context);
}

HRESULT WINAPI HcsSetProcessCallback(HCS_PROCESS process, HCS_EVENT_OPTIONS options, void *context,
                                     HCS_EVENT_CALLBACK callback)
{
    return listens(NAME("HcsSetProcessCallback"), process, options, callback, context);
}

/* ---- Operations ---- */

HCS_OPERATION WINAPI HcsCreateOperation(const void *context, HCS_OPERATION_COMPLETION callback)
{
    void *operation = NULL;
    struct call call = CALL(NAME("HcsCreateOperation"), 2, NULL, WHETHER(callback));
    call.opened = &operation;
    if (standin_call(&call) == S_OK)
        standin_listen(operation, tell_end, callback, (void *)context);
    return operation;
}

void WINAPI HcsCloseOperation(HCS_OPERATION operation)
{
    closed(NAME("HcsCloseOperation"), operation);
}

HRESULT WINAPI HcsCancelOperation(HCS_OPERATION operation)
{
    return asked(NAME("HcsCancelOperation"), operation, NULL, NULL);
}

/* `timeout` is NULL where there is none to be given. */
static HRESULT ended(const char *function, HCS_OPERATION operation, PCWSTR timeout,
                     HCS_PROCESS_INFORMATION *information, PWSTR *document)
{
    void *process_id = NULL;
    uint64_t streams[STREAMS] = {0};
    struct call call = CALL(function, timeout ? 2 : 1, OBJECT(operation), timeout);
    HRESULT result;
    call.opened = &process_id;
    call.answer = document;
    call.streams = streams;
    if (document)
        *document = NULL;
    result = standin_call(&call);
    if (information) {
        *information = (HCS_PROCESS_INFORMATION){.ProcessId = (DWORD)(uintptr_t)process_id};
        standin_pipes(streams, &information->StdInput, &information->StdOutput, &information->StdError);
    }
    return result;
}

HRESULT WINAPI HcsGetOperationResult(HCS_OPERATION operation, PWSTR *document)
{
    return ended(NAME("HcsGetOperationResult"), operation, NULL, NULL, document);
}

HRESULT WINAPI HcsGetOperationResultAndProcessInfo(HCS_OPERATION operation, HCS_PROCESS_INFORMATION *information,
                                                   PWSTR *document)
{
    return ended(NAME("HcsGetOperationResultAndProcessInfo"), operation, NULL, information, document);
}

HRESULT WINAPI HcsWaitForOperationResult(HCS_OPERATION operation, DWORD timeout_ms, PWSTR *document)
{
    return ended(NAME("HcsWaitForOperationResult"), operation, NUMBER(timeout_ms), NULL, document);
}

HRESULT WINAPI HcsWaitForOperationResultAndProcessInfo(HCS_OPERATION operation, DWORD timeout_ms,
                                                       HCS_PROCESS_INFORMATION *information, PWSTR *document)
{
    return ended(NAME("HcsWaitForOperationResultAndProcessInfo"), operation, NUMBER(timeout_ms), information,
                 document);
}

/* ---- Compute systems ---- */

#define ASKS(FUNCTION, KIND)                                                                                          \
    HRESULT WINAPI FUNCTION(KIND object, HCS_OPERATION operation, PCWSTR options)                                     \
    {                                                                                                                 \
        return asked(NAME(#FUNCTION), object, operation, options);                                                    \
    }

ASKS(HcsStartComputeSystem, HCS_SYSTEM)
ASKS(HcsShutDownComputeSystem, HCS_SYSTEM)
ASKS(HcsTerminateComputeSystem, HCS_SYSTEM)
ASKS(HcsCrashComputeSystem, HCS_SYSTEM)
ASKS(HcsPauseComputeSystem, HCS_SYSTEM)
ASKS(HcsResumeComputeSystem, HCS_SYSTEM)
ASKS(HcsSaveComputeSystem, HCS_SYSTEM)
ASKS(HcsGetComputeSystemProperties, HCS_SYSTEM)
ASKS(HcsTerminateProcess, HCS_PROCESS)
ASKS(HcsSignalProcess, HCS_PROCESS)
ASKS(HcsGetProcessProperties, HCS_PROCESS)
ASKS(HcsModifyProcess, HCS_PROCESS)

HRESULT WINAPI HcsModifyComputeSystem(HCS_SYSTEM system, HCS_OPERATION operation, PCWSTR request, HANDLE identity)
{
    (void)identity;
    return asked(NAME("HcsModifyComputeSystem"), system, operation, request);
}

HRESULT WINAPI HcsEnumerateComputeSystems(PCWSTR query, HCS_OPERATION operation)
{
    struct call call = CALL(NAME("HcsEnumerateComputeSystems"), 2, query, OBJECT(operation));
    return standin_call(&call);
}

/* One handle goes out. */
static HRESULT opened(struct call call, void *slot)
{
    if (!slot)
        return PARAMETER_INCORRECT;
    call.opened = slot;
    *call.opened = NULL;
    return standin_call(&call);
}

HRESULT WINAPI HcsCreateComputeSystem(PCWSTR id, PCWSTR configuration, HCS_OPERATION operation,
                                      const SECURITY_DESCRIPTOR *security, HCS_SYSTEM *system)
{
    (void)security;
    return opened(CALL(NAME("HcsCreateComputeSystem"), 3, id, configuration, OBJECT(operation)), system);
}

HRESULT WINAPI HcsOpenComputeSystem(PCWSTR id, DWORD access, HCS_SYSTEM *system)
{
    return opened(CALL(NAME("HcsOpenComputeSystem"), 2, id, NUMBER(access)), system);
}

void WINAPI HcsCloseComputeSystem(HCS_SYSTEM system)
{
    closed(NAME("HcsCloseComputeSystem"), system);
}

/* One text goes out. */
static HRESULT answered(struct call call, PWSTR *result)
{
    if (result)
        *result = NULL;
    call.answer = result;
    return standin_call(&call);
}

static HRESULT exited(const char *function, void *object, DWORD timeout_ms, PWSTR *result)
{
    return answered(CALL(function, 2, OBJECT(object), NUMBER(timeout_ms)), result);
}

HRESULT WINAPI HcsWaitForComputeSystemExit(HCS_SYSTEM system, DWORD timeout_ms, PWSTR *result)
{
    return exited(NAME("HcsWaitForComputeSystemExit"), system, timeout_ms, result);
}

/* ---- Processes ---- */

HRESULT WINAPI HcsCreateProcess(HCS_SYSTEM system, PCWSTR parameters, HCS_OPERATION operation,
                                const SECURITY_DESCRIPTOR *security, HCS_PROCESS *process)
{
    (void)security;
    return opened(CALL(NAME("HcsCreateProcess"), 3, OBJECT(system), parameters, OBJECT(operation)), process);
}

HRESULT WINAPI HcsOpenProcess(HCS_SYSTEM system, DWORD process_id, DWORD access, HCS_PROCESS *process)
{
    return opened(CALL(NAME("HcsOpenProcess"), 3, OBJECT(system), NUMBER(process_id), NUMBER(access)), process);
}

void WINAPI HcsCloseProcess(HCS_PROCESS process)
{
    closed(NAME("HcsCloseProcess"), process);
}

HRESULT WINAPI HcsGetProcessInfo(HCS_PROCESS process, HCS_OPERATION operation)
{
    return asked(NAME("HcsGetProcessInfo"), process, operation, NULL);
}

HRESULT WINAPI HcsWaitForProcessExit(HCS_PROCESS process, DWORD timeout_ms, PWSTR *result)
{
    return exited(NAME("HcsWaitForProcessExit"), process, timeout_ms, result);
}

/* ---- The service ---- */

#define TELLS(FUNCTION)                                                                                               \
    HRESULT WINAPI FUNCTION(PCWSTR question, PWSTR *result)                                                           \
    {                                                                                                                 \
        if (!result)                                                                                                  \
            return PARAMETER_INCORRECT;                                                                               \
        return answered(CALL(NAME(#FUNCTION), 1, question), result);                 \
    }

TELLS(HcsGetServiceProperties)
TELLS(HcsModifyServiceSettings)

/* ---- What the simulated node does not have; what goes out is left alone ---- */

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define REFUSES(FUNCTION, ...)                                                                                        \
    HRESULT WINAPI FUNCTION(__VA_ARGS__)                                                                              \
    {                                                                                                                 \
        return E_NOTIMPL;                                                                                             \
    }

REFUSES(HcsCreateComputeSystemInNamespace, PCWSTR space, PCWSTR id, PCWSTR configuration, HCS_OPERATION operation,
        const HCS_CREATE_OPTIONS *options, HCS_SYSTEM *system)
REFUSES(HcsOpenComputeSystemInNamespace, PCWSTR space, PCWSTR id, DWORD access, HCS_SYSTEM *system)
REFUSES(HcsEnumerateComputeSystemsInNamespace, PCWSTR space, PCWSTR query, HCS_OPERATION operation)
REFUSES(HcsSetOperationContext, HCS_OPERATION operation, const void *context)
REFUSES(HcsSetOperationCallback, HCS_OPERATION operation, const void *context, HCS_OPERATION_COMPLETION callback)
REFUSES(HcsSubmitWerReport, PCWSTR settings)
REFUSES(HcsCreateEmptyGuestStateFile, PCWSTR path)
REFUSES(HcsCreateEmptyRuntimeStateFile, PCWSTR path)
REFUSES(HcsGetProcessorCompatibilityFromSavedState, PCWSTR path, PCWSTR *features)
REFUSES(HcsGrantVmAccess, PCWSTR id, PCWSTR path)
REFUSES(HcsRevokeVmAccess, PCWSTR id, PCWSTR path)
REFUSES(HcsGrantVmGroupAccess, PCWSTR path)
REFUSES(HcsRevokeVmGroupAccess, PCWSTR path)

/* Windows exports these without a declaration. With the one calling convention of 64-bit Windows a function need not
 * know its arguments to refuse them. */
REFUSES(HcsAddResourceToOperation, void)
REFUSES(HcsEnumerateVmWorkerProcesses, void)
REFUSES(HcsFindVmWorkerProcesses, void)
REFUSES(HcsGetOperationProperties, void)
REFUSES(HcsGetWorkerProcessJob, void)
REFUSES(HcsStartVmWorkerProcess, void)

/* No operation, no context and no object: NULL is how these fail. */
#define GIVES(FUNCTION, KIND, NOTHING, ...)                                                                           \
    KIND WINAPI FUNCTION(__VA_ARGS__)                                                                                 \
    {                                                                                                                 \
        return NOTHING;                                                                                               \
    }

GIVES(HcsCreateOperationWithNotifications, void *, NULL, void)
GIVES(HcsGetOperationContext, void *, NULL, HCS_OPERATION operation)
GIVES(HcsGetComputeSystemFromOperation, HCS_SYSTEM, NULL, HCS_OPERATION operation)
GIVES(HcsGetProcessFromOperation, HCS_PROCESS, NULL, HCS_OPERATION operation)
GIVES(HcsGetOperationType, HCS_OPERATION_TYPE, HcsOperationTypeNone, HCS_OPERATION operation)
GIVES(HcsGetOperationId, UINT64, 0, HCS_OPERATION operation)
