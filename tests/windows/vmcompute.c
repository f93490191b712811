/* vmcompute.dll: HNSCall, passed to the simulated node. Compute systems and image layers are refused: the simulated
 * node has none yet.
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

#define REFUSES(NAME)                                                                                                 \
    HRESULT WINAPI NAME(void)                                                                                         \
    {                                                                                                                 \
        return E_NOTIMPL;                                                                                             \
    }

REFUSES(HcsCloseComputeSystem)
REFUSES(HcsCloseProcess)
REFUSES(HcsCreateComputeSystem)
REFUSES(HcsCreateProcess)
REFUSES(HcsEnumerateComputeSystems)
REFUSES(HcsGetComputeSystemProperties)
REFUSES(HcsGetProcessInfo)
REFUSES(HcsGetProcessProperties)
REFUSES(HcsGetServiceProperties)
REFUSES(HcsModifyComputeSystem)
REFUSES(HcsModifyProcess)
REFUSES(HcsModifyServiceSettings)
REFUSES(HcsOpenComputeSystem)
REFUSES(HcsOpenProcess)
REFUSES(HcsPauseComputeSystem)
REFUSES(HcsRegisterComputeSystemCallback)
REFUSES(HcsRegisterProcessCallback)
REFUSES(HcsResumeComputeSystem)
REFUSES(HcsSaveComputeSystem)
REFUSES(HcsShutdownComputeSystem)
REFUSES(HcsSignalProcess)
REFUSES(HcsStartComputeSystem)
REFUSES(HcsTerminateComputeSystem)
REFUSES(HcsTerminateProcess)
REFUSES(HcsUnregisterComputeSystemCallback)
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
