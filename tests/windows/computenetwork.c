/* computenetwork.dll: the Host Compute Network API, each call passed to the simulated node.
 *
 * Signatures: https://learn.microsoft.com/virtualization/api/hcn/Reference/hcn. What goes out is NULL until there is
 * something, and an error record may be left out.
 */
#include "standin.h"

static const HRESULT PARAMETER_INCORRECT = (HRESULT)0x80070057;

typedef void *OBJECT;

static BOOL made_empty(void *out, PWSTR *record)
{
    if (out)
        *(void **)out = NULL;
    if (record)
        *record = NULL;
    return out != NULL;
}

static HRESULT enumerate(const char *function, PCWSTR query, PWSTR *found, PWSTR *record)
{
    struct call call = {function, NULL, 1, {query}, NULL, found, record, NULL};
    return made_empty(found, record) ? standin_call(&call) : PARAMETER_INCORRECT;
}

static HRESULT create(const char *function, OBJECT in, const GUID *id, PCWSTR settings, OBJECT *out, PWSTR *record)
{
    wchar_t guid[GUID_UNITS];
    struct call call = {function, in, 2, {standin_guid(id, guid), settings}, out, NULL, record, NULL};
    return made_empty(out, record) ? standin_call(&call) : PARAMETER_INCORRECT;
}

static HRESULT open(const char *function, const GUID *id, OBJECT *out, PWSTR *record)
{
    wchar_t guid[GUID_UNITS];
    struct call call = {function, NULL, 1, {standin_guid(id, guid)}, out, NULL, record, NULL};
    return made_empty(out, record) ? standin_call(&call) : PARAMETER_INCORRECT;
}

static HRESULT modify(const char *function, OBJECT object, PCWSTR settings, PWSTR *record)
{
    struct call call = {function, object, 1, {settings}, NULL, NULL, record, NULL};
    made_empty(NULL, record);
    return standin_call(&call);
}

static HRESULT query(const char *function, OBJECT object, PCWSTR question, PWSTR *found, PWSTR *record)
{
    struct call call = {function, object, 1, {question}, NULL, found, record, NULL};
    return made_empty(found, record) ? standin_call(&call) : PARAMETER_INCORRECT;
}

static HRESULT delete(const char *function, const GUID *id, PWSTR *record)
{
    wchar_t guid[GUID_UNITS];
    struct call call = {function, NULL, 1, {standin_guid(id, guid)}, NULL, NULL, record, NULL};
    made_empty(NULL, record);
    return standin_call(&call);
}

static HRESULT close(const char *function, OBJECT object)
{
    struct call call = {.function = function, .handle = object};
    return standin_call(&call);
}

#define FAMILY(NAME, CREATE_TAKES, CREATE_PASSES)                                                                     \
    HRESULT WINAPI HcnEnumerate##NAME##s(PCWSTR settings, PWSTR *found, PWSTR *record)                                \
    {                                                                                                                 \
        return enumerate("HcnEnumerate" #NAME "s", settings, found, record);                                          \
    }                                                                                                                 \
    HRESULT WINAPI HcnCreate##NAME(CREATE_TAKES const GUID *id, PCWSTR settings, OBJECT *out, PWSTR *record)          \
    {                                                                                                                 \
        return create("HcnCreate" #NAME, CREATE_PASSES, id, settings, out, record);                                   \
    }                                                                                                                 \
    HRESULT WINAPI HcnOpen##NAME(const GUID *id, OBJECT *out, PWSTR *record)                                          \
    {                                                                                                                 \
        return open("HcnOpen" #NAME, id, out, record);                                                                \
    }                                                                                                                 \
    HRESULT WINAPI HcnModify##NAME(OBJECT object, PCWSTR settings, PWSTR *record)                                     \
    {                                                                                                                 \
        return modify("HcnModify" #NAME, object, settings, record);                                                   \
    }                                                                                                                 \
    HRESULT WINAPI HcnQuery##NAME##Properties(OBJECT object, PCWSTR question, PWSTR *found, PWSTR *record)            \
    {                                                                                                                 \
        return query("HcnQuery" #NAME "Properties", object, question, found, record);                                 \
    }                                                                                                                 \
    HRESULT WINAPI HcnDelete##NAME(const GUID *id, PWSTR *record)                                                     \
    {                                                                                                                 \
        return delete ("HcnDelete" #NAME, id, record);                                                                \
    }                                                                                                                 \
    HRESULT WINAPI HcnClose##NAME(OBJECT object)                                                                      \
    {                                                                                                                 \
        return close("HcnClose" #NAME, object);                                                                       \
    }

#define IN_NETWORK OBJECT network,

FAMILY(Network, , NULL)
FAMILY(Endpoint, IN_NETWORK, network)
FAMILY(Namespace, , NULL)
FAMILY(LoadBalancer, , NULL)
FAMILY(SdnRoute, , NULL)
/* The simulated node has no guest network services: the server refuses these. */
FAMILY(GuestNetworkService, , NULL)

HRESULT WINAPI HcnQueryEndpointStats(OBJECT endpoint, PCWSTR question, PWSTR *found, PWSTR *record)
{
    return query("HcnQueryEndpointStats", endpoint, question, found, record);
}

HRESULT WINAPI HcnQueryEndpointAddresses(OBJECT endpoint, PCWSTR question, PWSTR *found, PWSTR *record)
{
    return query("HcnQueryEndpointAddresses", endpoint, question, found, record);
}

HRESULT WINAPI HcnRegisterServiceCallback(NOTIFIED callback, void *context, OBJECT *handle)
{
    struct call call = {.function = "HcnRegisterServiceCallback", .opened = handle};
    HRESULT result;
    if (!made_empty(handle, NULL) || !callback)
        return PARAMETER_INCORRECT;
    result = standin_call(&call);
    return result == S_OK ? standin_listen(*handle, standin_notified, callback, context) : result;
}

HRESULT WINAPI HcnUnregisterServiceCallback(OBJECT handle)
{
    HRESULT result = close("HcnUnregisterServiceCallback", handle);
    if (result == S_OK)
        standin_unlisten(handle);
    return result;
}

/* What the simulated node does not have. */

HRESULT WINAPI HcnOpenService(OBJECT *service, PWSTR *record)
{
    made_empty(service, record);
    return E_NOTIMPL;
}

HRESULT WINAPI HcnCloseService(OBJECT service)
{
    (void)service;
    return E_NOTIMPL;
}

HRESULT WINAPI HcnRegisterNetworkCallback(OBJECT network, NOTIFIED callback, void *context, OBJECT *handle)
{
    (void)network, (void)callback, (void)context;
    made_empty(handle, NULL);
    return E_NOTIMPL;
}

HRESULT WINAPI HcnUnregisterNetworkCallback(OBJECT handle)
{
    (void)handle;
    return E_NOTIMPL;
}

HRESULT WINAPI HcnRegisterGuestNetworkServiceCallback(OBJECT guest, NOTIFIED callback, void *context, OBJECT *handle)
{
    return HcnRegisterNetworkCallback(guest, callback, context, handle);
}

HRESULT WINAPI HcnUnregisterGuestNetworkServiceCallback(OBJECT handle)
{
    (void)handle;
    return E_NOTIMPL;
}

HRESULT WINAPI HcnReserveGuestNetworkServicePort(OBJECT guest, int protocol, int access, USHORT port, HANDLE *out)
{
    (void)guest, (void)protocol, (void)access, (void)port;
    made_empty(out, NULL);
    return E_NOTIMPL;
}

HRESULT WINAPI HcnReserveGuestNetworkServicePortRange(OBJECT guest, USHORT count, void *range, HANDLE *out)
{
    (void)guest, (void)count, (void)range;
    made_empty(out, NULL);
    return E_NOTIMPL;
}

HRESULT WINAPI HcnReleaseGuestNetworkServicePortReservationHandle(HANDLE reservation)
{
    (void)reservation;
    return E_NOTIMPL;
}

HRESULT WINAPI HcnEnumerateGuestNetworkPortReservations(ULONG *count, void **entries)
{
    if (count)
        *count = 0;
    made_empty(entries, NULL);
    return E_NOTIMPL;
}

void WINAPI HcnFreeGuestNetworkPortReservations(void *entries)
{
    (void)entries;
}
