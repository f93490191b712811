"""The C declarations of what the operator's commands ask the machine: interfaces, memory, routes.

Apart from those of the verbs (`build.py`), which load none of it. The rules are the same. Structures end
where nothing more is read: Windows hands out pointers to them.
"""

from __future__ import annotations

from cni_hns.binding import route_calls

__all__ = ["DECLARATIONS"]

_IPHLPAPI = """
// https://learn.microsoft.com/windows/win32/api/ws2def/ns-ws2def-socket_address
typedef struct _SOCKET_ADDRESS {
    uint8_t *lpSockaddr;
    int32_t iSockaddrLength;
} SOCKET_ADDRESS;
// https://learn.microsoft.com/windows/win32/api/iptypes/ns-iptypes-ip_adapter_unicast_address_lh
typedef struct _IP_ADAPTER_UNICAST_ADDRESS {
    DWORD Length;
    DWORD Flags;
    struct _IP_ADAPTER_UNICAST_ADDRESS *Next;
    SOCKET_ADDRESS Address;
    int32_t PrefixOrigin;
    int32_t SuffixOrigin;
    int32_t DadState;
    uint32_t ValidLifetime;
    uint32_t PreferredLifetime;
    uint32_t LeaseLifetime;
    uint8_t OnLinkPrefixLength;
} IP_ADAPTER_UNICAST_ADDRESS;
// https://learn.microsoft.com/windows/win32/api/iptypes/ns-iptypes-ip_adapter_gateway_address_lh
typedef struct _IP_ADAPTER_GATEWAY_ADDRESS {
    DWORD Length;
    DWORD Reserved;
    struct _IP_ADAPTER_GATEWAY_ADDRESS *Next;
    SOCKET_ADDRESS Address;
} IP_ADAPTER_GATEWAY_ADDRESS;
// https://learn.microsoft.com/windows/win32/api/iptypes/ns-iptypes-ip_adapter_addresses_lh
typedef struct _IP_ADAPTER_ADDRESSES {
    DWORD Length;
    DWORD IfIndex;
    struct _IP_ADAPTER_ADDRESSES *Next;
    char *AdapterName;
    IP_ADAPTER_UNICAST_ADDRESS *FirstUnicastAddress;
    void *FirstAnycastAddress;
    void *FirstMulticastAddress;
    void *FirstDnsServerAddress;
    PWSTR DnsSuffix;
    PWSTR Description;
    PWSTR FriendlyName;
    uint8_t PhysicalAddress[8];
    DWORD PhysicalAddressLength;
    DWORD Flags;
    DWORD Mtu;
    DWORD IfType;
    int32_t OperStatus;
    DWORD Ipv6IfIndex;
    DWORD ZoneIndices[16];
    void *FirstPrefix;
    uint64_t TransmitLinkSpeed;
    uint64_t ReceiveLinkSpeed;
    void *FirstWinsServerAddress;
    IP_ADAPTER_GATEWAY_ADDRESS *FirstGatewayAddress;
} IP_ADAPTER_ADDRESSES;
// https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-getadaptersaddresses
uint32_t GetAdaptersAddresses(
    uint32_t Family, uint32_t Flags, void *Reserved, void *AdapterAddresses, uint32_t *SizePointer);
"""

_KERNEL32 = """
// https://learn.microsoft.com/windows/win32/api/sysinfoapi/ns-sysinfoapi-memorystatusex
typedef struct _MEMORYSTATUSEX {
    DWORD dwLength;
    DWORD dwMemoryLoad;
    uint64_t ullTotalPhys;
    uint64_t ullAvailPhys;
    uint64_t ullTotalPageFile;
    uint64_t ullAvailPageFile;
    uint64_t ullTotalVirtual;
    uint64_t ullAvailVirtual;
    uint64_t ullAvailExtendedVirtual;
} MEMORYSTATUSEX;
// https://learn.microsoft.com/windows/win32/api/sysinfoapi/nf-sysinfoapi-globalmemorystatusex
BOOL GlobalMemoryStatusEx(MEMORYSTATUSEX *Buffer);
"""

DECLARATIONS = _IPHLPAPI + _KERNEL32 + route_calls.DECLARATIONS
