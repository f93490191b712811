"""The sentences of error records, and how each is known.

A record ends its sentence with a blank. A code that no table has gets one that only names it: `text_of`.
"""

from __future__ import annotations

__all__ = ["OURS", "PUBLISHED", "SEEN", "text_of"]

# As they stood in records that users of Windows reported; the report is named above or beside each.
SEEN = {
    0x803B0002: "The endpoint was not found. ",  # antrea
    0x803B0007: "The switch-port was not found. ",  # hcsshim 1043
    # containers-toolkit 24
    0x803B000A: "The provided network configuration is invalid or missing parameters. ",
    # hcsshim 1951, calico 8465
    0x803B000D: "The provided policy configuration is invalid or missing parameters. ",
    0x803B000E: "Invalid policy type. ",  # hcsshim 470
    0x803B0010: "A network with this name already exists. ",  # hcsshim 850
    0x803B0013: "The specified port already exists. ",  # hcsshim 1043
    0x803B0014: "This endpoint is already attached to the switch. ",  # flannel and calico look for it
    0x803B001B: "Invalid JSON document string. ",  # antrea 1873
    # Of a load balancer without back ends; HNS added the second sentence (calico 5762).
    0x803B001C: "The reference is invalid in the JSON document. A Reference is required",
    0x803B002F: "An address provided is invalid or reserved. ",  # sig-windows-tools 71
    # wsl2-boot 3
    0x80070034: (
        "You were not connected because a duplicate name exists on the network. If joining a domain, go to "
        "System in Control Panel to change the computer name and try again. If joining a workgroup, choose "
        "another workgroup name. "
    ),
    0x80070057: "The parameter is incorrect. ",  # sig-windows-tools 249
    0x80070490: "Element not found. ",  # antrea 2301
    0x80071392: "The object already exists. ",  # SDN 333
}

# As the pages "HCN Error Code", "HCS Error Codes", "System Error Codes" and "COM Error Codes" of Microsoft
# describe the codes. Where a sentence was seen as well, it was the one of the page.
PUBLISHED = {
    0x803B0001: "The network was not found. ",
    0x803B0003: "The network's underlying layer was not found. ",
    0x803B0004: "The virtual switch was not found. ",
    0x803B0005: "The network does not have a subnet for this endpoint. ",
    0x803B0006: "An adapter was not found. ",
    0x803B0008: "An expected policy was not found. ",
    0x803B0009: "A required VFP port setting was not found. ",
    0x803B000B: "Invalid network type. ",
    0x803B000C: "The provided endpoint configuration is invalid or missing parameters. ",
    0x803B000F: "This requested operation is invalid for a remote endpoint. ",
    0x803B0012: "Policy information already exists on this object. ",
    0x803B0015: "The specified request is unsupported. ",
    0x803B0016: "Port mapping is not supported on the given network. ",
    0x803B0017: "There was an operation attempted on a degraded object. ",
    0x803B0019: "Failed to interpret a parameter as a GUID. ",
    0x803B001E: "IP address is either invalid or not part of any configured subnet(s). ",
    0x803B0020: "Operation cannot be performed while service is stopping. ",
    0x803B002B: ("This requested operation is invalid as endpoint is already part of a network namespace. "),
    0x803B002C: "The specified entity cannot be removed while it still has references. ",
    0x803B002D: "The internal port must exist and cannot be zero. ",
    0x803B002E: "The requested operation for attach namespace failed. ",
    0x803B0030: "The prefix provided is invalid. ",
    0x803B0032: "The provided subnet configuration is invalid or missing parameters. ",
    0x803B0033: "The provided IP subnet configuration is invalid or missing parameters. ",
    0x803B0034: "The endpoint must be attached to complete the operation. ",
    0x803B0035: "The endpoint must be local to complete the operation. ",
    0x803B0036: "Cannot apply more than one InterfaceParameters policy. ",
    0x80070002: "The system cannot find the file specified. ",
    0x80070005: "Access is denied. ",
    0x80070006: "The handle is invalid. ",
    0x800700B7: "Cannot create a file when that file already exists. ",
    0x800706BA: "The RPC server is unavailable. ",
    0x800706BE: "The remote procedure call failed. ",
    0xC037010E: "A virtual machine or container with the specified identifier does not exist. ",
    0x80004001: "Not implemented. ",
    0x80004005: "Unspecified error. ",
    0x8000FFFF: "Catastrophic failure. ",
}

# What HCS says with its codes was not seen: what the codes mean, in our words.
OURS = {
    0x80070032: "The request is not supported. ",
    0x80370105: "The requested operation is not valid in the current state. ",
    0x80370106: "The virtual machine or container exited unexpectedly. ",
    0x8037010D: "The virtual machine or container JSON document is invalid. ",
    0x8037010E: "A virtual machine or container with the specified identifier does not exist. ",
    0x8037010F: "A virtual machine or container with the specified identifier already exists. ",
    0x80370110: "The virtual machine or container with the specified identifier is not running. ",
    0x80370115: "The operation has not been started. ",
    0x80370116: "The operation is already in use. ",
    0x80370117: "The operation is still in progress. ",
    0x80370118: "The wait for the operation timed out. ",
    0x80370119: "A callback has been set already. ",
    0x8037011B: "The caller does not have the required permissions. ",
    0x8037011D: "Nothing is known of the process. ",
    0x8037011E: "The connection to the Host Compute Service was lost. ",
    0x8037011F: "The process has already stopped. ",
}

# vmcompute.dll's codes mean the same as computecore.dll's.
_NEWER = {code & 0xFFFF | 0xC0370000: code for code in OURS if code >> 16 == 0x8037}  # noqa: PLR2004


def text_of(hresult: int) -> str:
    """The sentence that goes with this code, or one that names only the code."""
    known = SEEN.get(hresult) or PUBLISHED.get(hresult) or OURS.get(_NEWER.get(hresult, hresult))
    return known or f"Error 0x{hresult:08X}. "
