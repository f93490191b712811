"""Windows' access lists: who else can write a folder or file, and a new folder that nobody else can.

Rule 1: trusted are SYSTEM, the administrators, TrustedInstaller, and the account that runs this.
Rule 2: the owner counts as a writer: it can give itself every right.
Rule 3: only what is granted is read. What is granted and denied at once counts as granted.
"""

from __future__ import annotations

from cni_hns.binding._generated_ffi import ffi
from cni_hns.binding.windows import SystemLibrary
from cni_hns.typed import Any

__all__ = ["REPLACE", "WRITE", "make_private", "named", "others", "remedy", "writers"]

# https://learn.microsoft.com/windows/win32/fileio/file-access-rights-constants
_ADD_FILE, _ADD_SUBFOLDER, _WRITE_EA, _DELETE_CHILD, _WRITE_ATTRIBUTES = 0x2, 0x4, 0x10, 0x40, 0x100
# https://learn.microsoft.com/windows/win32/secauthz/standard-access-rights
_DELETE, _WRITE_DAC, _WRITE_OWNER = 0x1_0000, 0x4_0000, 0x8_0000
# https://learn.microsoft.com/windows/win32/secauthz/generic-access-rights
_GENERIC_ALL, _GENERIC_WRITE = 0x1000_0000, 0x4000_0000

_TAKE_OVER = _WRITE_DAC | _WRITE_OWNER | _GENERIC_ALL
WRITE = (
    _TAKE_OVER
    | _ADD_FILE
    | _ADD_SUBFOLDER
    | _WRITE_EA
    | _WRITE_ATTRIBUTES
    | _DELETE_CHILD
    | _DELETE
    | _GENERIC_WRITE
)
"""Any of these changes a folder, a file in it, or a file."""
REPLACE = _TAKE_OVER | _DELETE_CHILD
"""Any of these on a folder puts another folder in the place of one in it."""

# https://learn.microsoft.com/windows/win32/secauthz/well-known-sids
_SYSTEM, _ADMINISTRATORS = "S-1-5-18", "S-1-5-32-544"
_TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
_OWNERS = frozenset({_SYSTEM, _ADMINISTRATORS, _TRUSTED_INSTALLER})
# CREATOR OWNER and OWNER RIGHTS stand for an owner, who is asked about anyway.
_TRUSTED = _OWNERS | {"S-1-3-0", "S-1-3-4"}
_NAMES = {
    "S-1-1-0": "Everyone",
    "S-1-5-4": "INTERACTIVE",
    "S-1-5-11": "Authenticated Users",
    "S-1-5-32-545": "Users",
    "S-1-5-32-547": "Power Users",
}

# https://learn.microsoft.com/windows/win32/secauthz/security-information
_OWNER_AND_DACL = 0x1 | 0x4
# https://learn.microsoft.com/windows/win32/secauthz/security-descriptor-control
_DACL_PRESENT = 0x4
# https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-ace_header: those that a file may have.
_ALLOWED, _ALLOWED_CALLBACK = 0x0, 0x9
_INHERIT_ONLY = 0x8
_EVERYONE = "S-1-1-0"

_USUAL_SIZE = 1024
_TOKEN_QUERY, _TOKEN_USER = 0x8, 1
_ERROR_ALREADY_EXISTS = 183
_SDDL_REVISION_1 = 1
# Protected from what the parent would hand down; handed down itself to all that is made inside.
_PRIVATE = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)"

_advapi32: Any = SystemLibrary("advapi32.dll")
_kernel32: Any = SystemLibrary("kernel32.dll")
_our_account: list[str] = []  # asked for once


def others(path: str, rights: int, *, inherited: bool) -> list[str]:
    """The SIDs of those who have any of these rights and are not to be trusted; each once.

    `inherited`: what is only handed down to new files counts too.

    Raises:
        OSError: Windows does not say.
    """
    found = [sid for sid in writers(_descriptor(path), rights, inherited=inherited) if sid not in _TRUSTED]
    # Our own account is asked for only where it could be one of them.
    if found and not _our_account:
        _our_account.append(_user())
    return [sid for sid in found if sid not in _our_account]


def writers(descriptor: bytes, rights: int, *, inherited: bool) -> list[str]:
    """Owner and all who are granted any of these rights, by a self-relative security descriptor.

    https://learn.microsoft.com/openspecs/windows_protocols/ms-dtyp/7d4dac05-9cef-4563-a058-f108abecce1d
    """
    owner_at, dacl_at = _number(descriptor, 4, 4), _number(descriptor, 16, 4)
    found = {_sid(descriptor, owner_at): None} if owner_at else {}
    if not _number(descriptor, 2, 2) & _DACL_PRESENT or not dacl_at:
        # "a NULL DACL grants full access to any user that requests it"
        return [*found, _EVERYONE]
    at = dacl_at + 8
    for _ in range(_number(descriptor, dacl_at + 4, 2)):
        kind, flags = descriptor[at], descriptor[at + 1]
        counts = kind in (_ALLOWED, _ALLOWED_CALLBACK) and (inherited or not flags & _INHERIT_ONLY)
        if counts and _number(descriptor, at + 4, 4) & rights:
            found[_sid(descriptor, at + 8)] = None
        at += _number(descriptor, at + 2, 2)
    return list(found)


def named(sid: str) -> str:
    """The SID, with its English name where everybody knows one."""
    return f"{_NAMES[sid]} ({sid})" if sid in _NAMES else sid


def remedy(path: str, sids: list[str]) -> str:
    """The commands after which these have no right to the path; all others keep theirs."""
    removed = " ".join(f"*{sid}" for sid in sids)
    return f'takeown /F "{path}" /A, icacls "{path}" /inheritance:d, icacls "{path}" /remove:g {removed}'


def make_private(folder: str) -> None:
    """Make a folder for SYSTEM, administrators and its owner, as is all that is made in it later.

    Raises:
        OSError: it cannot be made; FileExistsError: something of that name is there.
    """
    descriptor = ffi.new("void **")
    if not _advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW(
        _wide(_PRIVATE), _SDDL_REVISION_1, descriptor, ffi.NULL
    ):
        raise _failure(folder)
    try:
        attributes: Any = ffi.new("SECURITY_ATTRIBUTES *")
        attributes.nLength = ffi.sizeof("SECURITY_ATTRIBUTES")
        attributes.lpSecurityDescriptor = descriptor[0]
        if not _kernel32.CreateDirectoryW(_wide(folder), attributes):
            raise _failure(folder)
    finally:
        _kernel32.LocalFree(descriptor[0])


def _descriptor(path: str) -> bytes:
    needed = ffi.new("DWORD *", _USUAL_SIZE)
    while True:
        size = needed[0]
        buffer = ffi.new("uint8_t[]", size)
        if _advapi32.GetFileSecurityW(_wide(path), _OWNER_AND_DACL, buffer, size, needed):
            return bytes(ffi.buffer(buffer))
        if needed[0] <= size:
            raise _failure(path)


def _user() -> str:
    """The account that runs this; empty where Windows does not say."""
    token = ffi.new("HANDLE *")
    if not _advapi32.OpenProcessToken(_kernel32.GetCurrentProcess(), _TOKEN_QUERY, token):
        return ""
    try:
        needed = ffi.new("DWORD *")
        # A pointer to the SID, its attributes, and the SID itself, 68 bytes at most.
        user: Any = ffi.new("uint64_t[32]")
        size = ffi.sizeof(user)
        if not _advapi32.GetTokenInformation(token[0], _TOKEN_USER, user, size, needed):
            return ""
        at = user[0] - int(ffi.cast("uintptr_t", user))
        return _sid(bytes(ffi.buffer(user)), at)
    finally:
        _kernel32.CloseHandle(token[0])


def _sid(data: bytes, at: int) -> str:
    """https://learn.microsoft.com/openspecs/windows_protocols/ms-dtyp/c92a27b1-c772-4fa7-a432-15df5f1b66a1"""
    numbers = [_number(data, at + 8 + 4 * index, 4) for index in range(data[at + 1])]
    return "-".join(["S", str(data[at]), str(int.from_bytes(data[at + 2 : at + 8])), *map(str, numbers)])


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _wide(text: str) -> Any:
    return ffi.new("char16_t[]", text)


def _failure(path: str) -> OSError:
    code = _kernel32.GetLastError()
    kind = FileExistsError if code == _ERROR_ALREADY_EXISTS else OSError
    return kind(code, f"Win32 error {code}", path)
