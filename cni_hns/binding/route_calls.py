"""The C declarations of the host's route table, part of the ffi of `host_calls.py`; its rules are the same.

Rows are passed to Windows as well as read, so their structures are whole. `tests/windows` holds sizes and
offsets against mingw's headers.
"""

from __future__ import annotations

__all__ = ["DECLARATIONS"]

DECLARATIONS = """
// https://learn.microsoft.com/windows/win32/api/ws2ipdef/ns-ws2ipdef-sockaddr_inet
// Of IPv4 the address stands behind family and port, of IPv6 behind family, port and flow.
typedef struct _SOCKADDR_INET {
    USHORT si_family;
    USHORT sin_port;
    uint32_t sin_addr_or_flow;
    uint8_t sin6_addr[16];
    uint32_t sin6_scope_id;
} SOCKADDR_INET;
// https://learn.microsoft.com/windows/win32/api/netioapi/ns-netioapi-ip_address_prefix
typedef struct _IP_ADDRESS_PREFIX {
    SOCKADDR_INET Prefix;
    uint8_t PrefixLength;
} IP_ADDRESS_PREFIX;
// https://learn.microsoft.com/windows/win32/api/netioapi/ns-netioapi-mib_ipforward_row2
typedef struct _MIB_IPFORWARD_ROW2 {
    uint64_t InterfaceLuid;
    uint32_t InterfaceIndex;
    IP_ADDRESS_PREFIX DestinationPrefix;
    SOCKADDR_INET NextHop;
    uint8_t SitePrefixLength;
    uint32_t ValidLifetime;
    uint32_t PreferredLifetime;
    uint32_t Metric;
    int32_t Protocol;
    uint8_t Loopback;
    uint8_t AutoconfigureAddress;
    uint8_t Publish;
    uint8_t Immortal;
    uint32_t Age;
    int32_t Origin;
} MIB_IPFORWARD_ROW2;
// https://learn.microsoft.com/windows/win32/api/netioapi/ns-netioapi-mib_ipforward_table2
typedef struct _MIB_IPFORWARD_TABLE2 {
    uint32_t NumEntries;
    MIB_IPFORWARD_ROW2 Table[1];
} MIB_IPFORWARD_TABLE2;
// https://learn.microsoft.com/windows/win32/api/netioapi/ns-netioapi-mib_ipinterface_row
typedef struct _MIB_IPINTERFACE_ROW {
    USHORT Family;
    uint64_t InterfaceLuid;
    uint32_t InterfaceIndex;
    uint32_t MaxReassemblySize;
    uint64_t InterfaceIdentifier;
    uint32_t MinRouterAdvertisementInterval;
    uint32_t MaxRouterAdvertisementInterval;
    uint8_t AdvertisingEnabled;
    uint8_t ForwardingEnabled;
    uint8_t WeakHostSend;
    uint8_t WeakHostReceive;
    uint8_t UseAutomaticMetric;
    uint8_t UseNeighborUnreachabilityDetection;
    uint8_t ManagedAddressConfigurationSupported;
    uint8_t OtherStatefulConfigurationSupported;
    uint8_t AdvertiseDefaultRoute;
    int32_t RouterDiscoveryBehavior;
    uint32_t DadTransmits;
    uint32_t BaseReachableTime;
    uint32_t RetransmitTime;
    uint32_t PathMtuDiscoveryTimeout;
    int32_t LinkLocalAddressBehavior;
    uint32_t LinkLocalAddressTimeout;
    uint32_t ZoneIndices[16];
    uint32_t SitePrefixLength;
    uint32_t Metric;
    uint32_t NlMtu;
    uint8_t Connected;
    uint8_t SupportsWakeUpPatterns;
    uint8_t SupportsNeighborDiscovery;
    uint8_t SupportsRouterDiscovery;
    uint32_t ReachableTime;
    uint8_t TransmitOffload;
    uint8_t ReceiveOffload;
    uint8_t DisableDefaultRoutes;
} MIB_IPINTERFACE_ROW;
// https://learn.microsoft.com/windows/win32/api/netioapi/nf-netioapi-getipforwardtable2
uint32_t GetIpForwardTable2(USHORT Family, MIB_IPFORWARD_TABLE2 **Table);
// https://learn.microsoft.com/windows/win32/api/netioapi/nf-netioapi-freemibtable
void FreeMibTable(void *Memory);
// https://learn.microsoft.com/windows/win32/api/netioapi/nf-netioapi-initializeipforwardentry
void InitializeIpForwardEntry(MIB_IPFORWARD_ROW2 *Row);
// https://learn.microsoft.com/windows/win32/api/netioapi/nf-netioapi-createipforwardentry2
uint32_t CreateIpForwardEntry2(const MIB_IPFORWARD_ROW2 *Row);
// https://learn.microsoft.com/windows/win32/api/netioapi/nf-netioapi-deleteipforwardentry2
uint32_t DeleteIpForwardEntry2(const MIB_IPFORWARD_ROW2 *Row);
// https://learn.microsoft.com/windows/win32/api/netioapi/nf-netioapi-getipinterfaceentry
uint32_t GetIpInterfaceEntry(MIB_IPINTERFACE_ROW *Row);
// https://learn.microsoft.com/windows/win32/api/netioapi/nf-netioapi-setipinterfaceentry
uint32_t SetIpInterfaceEntry(MIB_IPINTERFACE_ROW *Row);
"""
