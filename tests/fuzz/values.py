"""Values that are not as they should be: documents, texts and bytes, each made from a good one by chance.

Rule: chance is the `random.Random` that is passed in, and nothing else; the same number gives the same value.
"""

from __future__ import annotations

import copy
from random import Random
from typing import Any

__all__ = ["NASTY", "bent", "bent_bytes", "bent_text", "nasty", "places", "put", "take"]

_DEEP: Any = []
for _ in range(98):
    _DEEP = [_DEEP]

# Values that programs have stumbled over, of every type that JSON has.
NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 255, 256, 4095, 65535, 65536, 2**31, 2**32, 2**63, 2**64, -(2**63)),
    *(10**30, 10**300, 99999999999999999999, 0.0, -0.0, 0.5, 1e-320, 1e305, 1e308, -1e308),
    *(
        "",
        " ",
        "\0",
        "a\0b",
        "\n",
        "a\nb",
        "a\tb",
        "\x1b[2J",
        "\x7f",
        "\u202e",
        "\u2028",
        "\ufeff",
        "\ufffd",
        "ä",
    ),
    *(
        "\U0001f600",
        "\ud800",
        "a\udcffb",
        "\\",
        "/",
        ".",
        "..",
        "../..",
        "...",
        "-",
        "--help",
        "%s",
        "%00",
        "{0}",
        "$(id)",
        "'",
        '"',
    ),
    *("null", "true", "0", "-1", "1e9", "0x10", "१", "NaN", "CON", "NUL.txt", "a:b", "eth0", "pod1", "pods"),
    *("A" * 254, "b" * 5_000, "é" * 300, "x," * 40_000, "1" * 5_000, "/x" * 60_000),
    *(
        "10.88.0.9",
        "10.88.0.9/24",
        "10.88.0.9/255.255.255.0",
        "10.88.0.9/33",
        "10.88.0.9/-1",
        "10.88.0.9/",
        "/24",
    ),
    *("10.88.0.0/24", "10.88.0.0/0", "0.0.0.0", "0.0.0.0/0", "127.0.0.0/8", "224.0.0.0/4", "255.255.255.255"),  # noqa: S104 - texts
    *("010.088.000.009", "10.88.0", "10.88.0.0/24/24", "::", "::1", "::/0", "fe80::1%eth0", "fd00:88::/112"),
    *(
        "fd00:88::7",
        "::ffff:10.88.0.9",
        "fd00:88::7/129",
        "1.2.3.4.5",
        "٣.٣.٣.٣",
        "10.88.0.9\n",
        " 10.88.0.9",
    ),
    *("02-11-22-33-44-55", "02:11:22:33:44:55", "00-00-00-00-00-00", "ff-ff-ff-ff-ff-ff", "0E-2A", "02-11"),
    *("00000000-0000-0000-0000-000000000000", "{5f0c3b1e-0000-1111-2222-333344445555}", "svc.cluster.local"),
    *("@NODE@", "@NODE@/fifo", "@NODE@/none/there", "@NODE@/hns.db", "@NODE@/a\0b", "@NODE@" + "/d" * 3_000),
    *("/dev/zero", "/dev/full", "/dev/stdout", "/dev/null", "0.1.0", "0.4.0", "1.0.0", "1.1.0", "9.9.9"),
    *([], {}, [[]], [None], [{}], [[], {}], {"": ""}, {"a": None}, ["a", 1, None], [0] * 3_000, _DEEP),
    *(
        {"Type": []},
        {"Type": "ACL", "Settings": None},
        {"type": {}},
        [["a"]] * 50,
        {"\0": 1},
        {"a\nb": "c\nd"},
    ),
)

# Keys that mean something somewhere: what a key of a document may be turned into.
_KEYS = (
    *("cniVersion", "name", "type", "network", "mode", "create", "adapter", "subnets", "prefix", "subnet"),
    *(
        "gateway",
        "vsid",
        "flags",
        "macPool",
        "policies",
        "ipam",
        "ranges",
        "rangeStart",
        "rangeEnd",
        "routes",
    ),
    *("dst", "gw", "priority", "metric", "resolvConf", "dataDir", "delegate", "dns", "nameservers", "search"),
    *(
        "domain",
        "options",
        "searchInPodNamespace",
        "outboundNat",
        "exceptions",
        "exceptNetwork",
        "loopbackDSR",
    ),
    *(
        "mtu",
        "macPrefix",
        "gatewayFrom",
        "portMappingAcl",
        "capabilities",
        "log",
        "file",
        "level",
        "maxSizeMB",
    ),
    *("timeout", "add", "del", "runtimeConfig", "portMappings", "hostPort", "containerPort", "protocol"),
    *(
        "hostIP",
        "ips",
        "mac",
        "ipRanges",
        "bandwidth",
        "egressRate",
        "args",
        "cni",
        "prevResult",
        "interfaces",
    ),
    *("sandbox", "interface", "address", "version", "ip4", "ip6", "ip", "Type", "Settings", "Value", "Name"),
    *(
        "apiVersion",
        "ipMasq",
        "ipMasqNetwork",
        "endpointMacPrefix",
        "AdditionalArgs",
        "optionalFlags",
        "master",
    ),
    *("ID", "Policies", "Flags", "IpConfigurations", "IpAddress", "PrefixLength", "Routes", "Dns", "Ipams"),
    *("cni.dev/valid-attachments", "cni.dev/attachments", "containerID", "ifname", "code", "msg", "details"),
)

Path = tuple[Any, ...]


def nasty(chance: Random) -> Any:
    """One value from the list, or a small object or list of such."""
    one = chance.random()
    if one < 0.9:
        return copy.deepcopy(chance.choice(NASTY))
    if one < 0.95:
        return [copy.deepcopy(chance.choice(NASTY)) for _ in range(chance.randrange(4))]
    return {chance.choice(_KEYS): copy.deepcopy(chance.choice(NASTY)) for _ in range(chance.randrange(4))}


def places(document: Any, at: Path = ()) -> list[Path]:
    """The path of every value inside the document, parents before their children."""
    found: list[Path] = []
    members = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for key, member in members:
        found.append((*at, key))
        if len(at) < 20 and len(found) < 2_000:
            found += places(member, (*at, key))
    return found


def take(document: Any, path: Path) -> Any:
    """The value at the path."""
    for step in path:
        document = document[step]
    return document


def put(document: Any, path: Path, value: Any) -> Any:
    """The document with another value at the path (changed in place, unless the path is empty)."""
    if not path:
        return value
    take(document, path[:-1])[path[-1]] = value
    return document


def bent(chance: Random, document: Any, edits: int = 0) -> Any:
    """The document after one edit or more, each at a place of its own."""
    document = copy.deepcopy(document)
    for _ in range(edits or chance.choice((1, 1, 1, 2, 2, 3, 5))):
        found = places(document)
        if not found:
            return nasty(chance)
        document = _edited(chance, document, chance.choice(found), found)
    return document


def _edited(chance: Random, document: Any, path: Path, found: list[Path]) -> Any:
    holder, key = take(document, path[:-1]), path[-1]
    value = holder[key]
    edit = chance.randrange(10)
    if edit <= 3:
        return put(document, path, nasty(chance))
    if edit == 4:
        del holder[key]
    elif edit == 5:
        return put(document, path, copy.deepcopy(take(document, chance.choice(found))))
    elif edit == 6:
        return put(document, path, chance.choice(([value], {"a": value}, [value, value], [value] * 300)))
    elif edit == 7 and isinstance(holder, dict):
        holder[_another_key(chance, str(key))] = value if chance.random() < 0.5 else holder.pop(key)
    elif edit == 7:
        holder.insert(chance.randrange(len(holder) + 1), copy.deepcopy(value))
    elif isinstance(value, dict):
        value[chance.choice(_KEYS)] = nasty(chance)
    else:
        return put(document, path, _bent_leaf(chance, value))
    return document


def _another_key(chance: Random, key: str) -> str:
    return chance.choice(
        (key.upper(), key.capitalize(), key + " ", bent_text(chance, key), chance.choice(_KEYS))
    )


def _bent_leaf(chance: Random, value: Any) -> Any:
    if isinstance(value, str):
        return bent_text(chance, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return chance.choice(
            (value + 1, value - 1, -value, value * 2, value / 3, str(value), value * 1_000_003)
        )
    if isinstance(value, list):
        return [*value, nasty(chance)]
    return str(value)


def bent_text(chance: Random, text: str) -> str:
    """The text with a few characters lost, doubled, changed or put in between."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(text) + 1)
        odd = chance.choice(
            ("\0", "\n", " ", "/", ":", ";", "=", "%", ".", "-", "é", "\u2028", "9", "f", "\x1b")
        )
        end = min(len(text), at + chance.choice((1, 1, 2, 8)))
        text = chance.choice(
            (text[:at] + text[end:], text[:at] + odd + text[at:], text[:at] + odd + text[end:], text[:at])
        )
    return text


_ODD_BYTES = (
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"-",
    b"1e999",
)
_ODD_WORDS = (
    b"NaN",
    b"-Infinity",
    b"\\ud800",
    b"\\u0000",
    b"null",
    b"9" * 5_000,
    b"[" * 3_000,
    b'{"a":' * 400,
)


def bent_bytes(chance: Random, data: bytes) -> bytes:
    """The bytes with a few of them flipped, lost, doubled, or something odd in between."""
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 1, 4, 32)))
        other = chance.choice(_ODD_BYTES if chance.random() < 0.7 else _ODD_WORDS)
        data = chance.choice(
            (
                data[:at] + data[end:],
                data[:at] + other + data[at:],
                data[:at] + other + data[end:],
                data[:at] + data[at:end] * 2 + data[end:],
                data[:at] + bytes(byte ^ (1 << chance.randrange(8)) for byte in data[at:end]) + data[end:],
                data[:at],
            )
        )
    return data
