/* vmcompute.dll: HNSCall, and what attaching an endpoint to a container needs, passed to the simulated node. All the
 * rest of compute systems, and image layers, are refused: the simulated node has none yet.
 *
 * Names and signatures as Microsoft's hcsshim has them; there is no page. A function that refuses need not know its
 * arguments.
 */
#include "standin.h"

static const HRESULT PARAMETER_INCORRECT = (HRESULT)0x80070057;

HRESULT WINAPI HNSCall(PCWSTR method, PCWSTR path, PCWSTR request, PWSTR *response)
{
    struct call call = {"HNSCall", NULL, 3, {method, path, request}, NULL, response, NULL};
    if (!method || !path || !request || !response)
        return PARAMETER_INCORRECT;
    *response = NULL;
    return standin_call(&call);
}

typedef void *SYSTEM;

HRESULT WINAPI HcsOpenComputeSystem(PCWSTR id, SYSTEM *system, PWSTR *result)
{
    struct call call = {"HcsOpenComputeSystem", NULL, 1, {id}, system, NULL, result};
    if (!system)
        return PARAMETER_INCORRECT;
    *system = NULL;
    if (result)
        *result = NULL;
    return standin_call(&call);
}

HRESULT WINAPI HcsGetComputeSystemProperties(SYSTEM system, PCWSTR query, PWSTR *properties, PWSTR *result)
{
    struct call call = {"HcsGetComputeSystemProperties", system, 1, {query}, NULL, properties, result};
    if (!properties)
        return PARAMETER_INCORRECT;
    *properties = NULL;
    if (result)
        *result = NULL;
    return standin_call(&call);
}

HRESULT WINAPI HcsModifyComputeSystem(SYSTEM system, PCWSTR configuration, PWSTR *result)
{
    struct call call = {"HcsModifyComputeSystem", system, 1, {configuration}, NULL, NULL, result};
    if (result)
        *result = NULL;
    return standin_call(&call);
}

HRESULT WINAPI HcsCloseComputeSystem(SYSTEM system)
{
    struct call call = {.function = "HcsCloseComputeSystem", .handle = system};
    return standin_call(&call);
}

/* No event is ever told: what happens to a container is not simulated. */
HRESULT WINAPI HcsRegisterComputeSystemCallback(SYSTEM system, NOTIFIED callback, void *context, void **handle)
{
    struct call call = {.function = "HcsRegisterComputeSystemCallback", .handle = system, .opened = handle};
    (void)context;
    if (!handle || !callback)
        return PARAMETER_INCORRECT;
    *handle = NULL;
    return standin_call(&call);
}

HRESULT WINAPI HcsUnregisterComputeSystemCallback(void *handle)
{
    struct call call = {.function = "HcsUnregisterComputeSystemCallback", .handle = handle};
    return standin_call(&call);
}

#define REFUSES(NAME)                                                                                                 \
    HRESULT WINAPI NAME(void)                                                                                         \
    {                                                                                                                 \
        return E_NOTIMPL;                                                                                             \
    }

REFUSES(HcsCloseProcess)
REFUSES(HcsCreateComputeSystem)
REFUSES(HcsCreateProcess)
REFUSES(HcsEnumerateComputeSystems)
REFUSES(HcsGetProcessInfo)
REFUSES(HcsGetProcessProperties)
REFUSES(HcsGetServiceProperties)
REFUSES(HcsModifyProcess)
REFUSES(HcsModifyServiceSettings)
REFUSES(HcsOpenProcess)
REFUSES(HcsPauseComputeSystem)
REFUSES(HcsRegisterProcessCallback)
REFUSES(HcsResumeComputeSystem)
REFUSES(HcsSaveComputeSystem)
REFUSES(HcsShutdownComputeSystem)
REFUSES(HcsSignalProcess)
REFUSES(HcsStartComputeSystem)
REFUSES(HcsTerminateComputeSystem)
REFUSES(HcsTerminateProcess)
REFUSES(HcsUnregisterProcessCallback)

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
