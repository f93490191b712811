/* A route table behind iphlpapi.dll's functions, for a Wine that has none to write to. Its structures are
 * those of the system's headers, so who calls it has to have the same.
 */
#include <winsock2.h>
#include <ws2ipdef.h>
#include <windows.h>
#include <iphlpapi.h>
#include <netioapi.h>

#define MOST 16
#define PODS 12

static MIB_IPFORWARD_ROW2 rows[MOST];
static ULONG count;
static LONG tables;
static BOOLEAN forwarding[2];

static BOOL is_same(const MIB_IPFORWARD_ROW2 *one, const MIB_IPFORWARD_ROW2 *other)
{
    const SOCKADDR_INET *a = &one->DestinationPrefix.Prefix, *b = &other->DestinationPrefix.Prefix;
    const SOCKADDR_INET *c = &one->NextHop, *d = &other->NextHop;
    if (one->InterfaceIndex != other->InterfaceIndex || a->si_family != b->si_family ||
        one->DestinationPrefix.PrefixLength != other->DestinationPrefix.PrefixLength)
        return FALSE;
    if (a->si_family == AF_INET)
        return a->Ipv4.sin_addr.s_addr == b->Ipv4.sin_addr.s_addr && c->Ipv4.sin_addr.s_addr == d->Ipv4.sin_addr.s_addr;
    return !memcmp(&a->Ipv6.sin6_addr, &b->Ipv6.sin6_addr, 16) && !memcmp(&c->Ipv6.sin6_addr, &d->Ipv6.sin6_addr, 16);
}

__declspec(dllexport) ULONG GetIpForwardTable2(ADDRESS_FAMILY family, MIB_IPFORWARD_TABLE2 **table)
{
    if (family != AF_UNSPEC)
        return ERROR_INVALID_PARAMETER;
    if (!count)
        return ERROR_NOT_FOUND;
    *table = malloc(FIELD_OFFSET(MIB_IPFORWARD_TABLE2, Table[count]));
    (*table)->NumEntries = count;
    memcpy((*table)->Table, rows, count * sizeof(*rows));
    tables++;
    return NO_ERROR;
}

__declspec(dllexport) void FreeMibTable(void *memory)
{
    tables--;
    free(memory);
}

__declspec(dllexport) LONG TablesLeft(void)
{
    return tables;
}

__declspec(dllexport) void InitializeIpForwardEntry(MIB_IPFORWARD_ROW2 *row)
{
    memset(row, 0, sizeof(*row));
    row->SitePrefixLength = 255;
    row->Metric = 0xFFFFFFFF;
    row->Protocol = 0;
    row->ValidLifetime = row->PreferredLifetime = 0xFFFFFFFF;
    row->Loopback = row->AutoconfigureAddress = row->Publish = row->Immortal = TRUE;
}

__declspec(dllexport) ULONG CreateIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row)
{
    if (row->SitePrefixLength > row->DestinationPrefix.PrefixLength || row->PreferredLifetime > row->ValidLifetime ||
        row->Protocol != RouteProtocolNetMgmt || row->NextHop.si_family != row->DestinationPrefix.Prefix.si_family)
        return ERROR_INVALID_PARAMETER;
    if (row->InterfaceIndex != PODS)
        return ERROR_NOT_FOUND;
    for (ULONG i = 0; i < count; i++)
        if (is_same(rows + i, row))
            return ERROR_OBJECT_ALREADY_EXISTS;
    rows[count++] = *row;
    return NO_ERROR;
}

__declspec(dllexport) ULONG DeleteIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row)
{
    for (ULONG i = 0; i < count; i++)
        if (is_same(rows + i, row)) {
            rows[i] = rows[--count];
            return NO_ERROR;
        }
    return ERROR_NOT_FOUND;
}

__declspec(dllexport) ULONG GetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    if (row->InterfaceIndex != PODS)
        return ERROR_FILE_NOT_FOUND;
    row->ForwardingEnabled = forwarding[row->Family == AF_INET6];
    row->SitePrefixLength = 64;
    row->NlMtu = 1450;
    return NO_ERROR;
}

__declspec(dllexport) ULONG SetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    if (row->InterfaceIndex != PODS || row->NlMtu != 1450 || (row->Family == AF_INET && row->SitePrefixLength))
        return ERROR_INVALID_PARAMETER;
    forwarding[row->Family == AF_INET6] = row->ForwardingEnabled;
    return NO_ERROR;
}
