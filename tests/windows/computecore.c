/* computecore.dll: the Host Compute System API. The simulated node has none yet: every call says so.
 *
 * Names: https://learn.microsoft.com/virtualization/api/hcs/Reference/APIOverview, and those that Windows exports
 * without a page. With the one calling convention of 64-bit Windows a function need not know its arguments to refuse
 * them; what goes out is left alone.
 */
#include <windows.h>

#define REFUSES(NAME)                                                                                                 \
    HRESULT WINAPI NAME(void)                                                                                         \
    {                                                                                                                 \
        return E_NOTIMPL;                                                                                             \
    }
#define GIVES_NOTHING(NAME)                                                                                           \
    void *WINAPI NAME(void)                                                                                           \
    {                                                                                                                 \
        return NULL;                                                                                                  \
    }
#define DOES_NOTHING(NAME)                                                                                            \
    void WINAPI NAME(void)                                                                                            \
    {                                                                                                                 \
    }

REFUSES(HcsCancelOperation)
REFUSES(HcsCrashComputeSystem)
REFUSES(HcsCreateComputeSystem)
REFUSES(HcsCreateComputeSystemInNamespace)
REFUSES(HcsCreateEmptyGuestStateFile)
REFUSES(HcsCreateEmptyRuntimeStateFile)
REFUSES(HcsCreateProcess)
REFUSES(HcsEnumerateComputeSystems)
REFUSES(HcsEnumerateComputeSystemsInNamespace)
REFUSES(HcsEnumerateVmWorkerProcesses)
REFUSES(HcsFindVmWorkerProcesses)
REFUSES(HcsGetComputeSystemProperties)
REFUSES(HcsGetOperationResult)
REFUSES(HcsGetOperationResultAndProcessInfo)
REFUSES(HcsGetProcessInfo)
REFUSES(HcsGetProcessProperties)
REFUSES(HcsGetProcessorCompatibilityFromSavedState)
REFUSES(HcsGetServiceProperties)
REFUSES(HcsGetWorkerProcessJob)
REFUSES(HcsGrantVmAccess)
REFUSES(HcsGrantVmGroupAccess)
REFUSES(HcsModifyComputeSystem)
REFUSES(HcsModifyProcess)
REFUSES(HcsModifyServiceSettings)
REFUSES(HcsOpenComputeSystem)
REFUSES(HcsOpenComputeSystemInNamespace)
REFUSES(HcsOpenProcess)
REFUSES(HcsPauseComputeSystem)
REFUSES(HcsResumeComputeSystem)
REFUSES(HcsRevokeVmAccess)
REFUSES(HcsRevokeVmGroupAccess)
REFUSES(HcsSaveComputeSystem)
REFUSES(HcsSetComputeSystemCallback)
REFUSES(HcsSetOperationCallback)
REFUSES(HcsSetOperationContext)
REFUSES(HcsSetProcessCallback)
REFUSES(HcsShutDownComputeSystem)
REFUSES(HcsSignalProcess)
REFUSES(HcsStartComputeSystem)
REFUSES(HcsStartVmWorkerProcess)
REFUSES(HcsSubmitWerReport)
REFUSES(HcsTerminateComputeSystem)
REFUSES(HcsTerminateProcess)
REFUSES(HcsWaitForComputeSystemExit)
REFUSES(HcsWaitForOperationResult)
REFUSES(HcsWaitForOperationResultAndProcessInfo)
REFUSES(HcsWaitForProcessExit)
REFUSES(HcsAddResourceToOperation)

/* No operation and no context: NULL is how these fail. */
GIVES_NOTHING(HcsCreateOperation)
GIVES_NOTHING(HcsCreateOperationWithNotifications)
GIVES_NOTHING(HcsGetComputeSystemFromOperation)
GIVES_NOTHING(HcsGetOperationContext)
GIVES_NOTHING(HcsGetOperationId)
GIVES_NOTHING(HcsGetProcessFromOperation)

DOES_NOTHING(HcsCloseComputeSystem)
DOES_NOTHING(HcsCloseOperation)
DOES_NOTHING(HcsCloseProcess)

/* HcsOperationTypeNone */
int WINAPI HcsGetOperationType(void)
{
    return -1;
}
