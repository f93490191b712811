"""The kinds of input, and how chance makes one of each.

Rule: an input is made from its number and the seed alone: whoever has both has the input.
"""

from __future__ import annotations

import contextlib
import copy
import json
import sqlite3
from collections.abc import Callable
from random import Random
from typing import Any

from cni_hns.ledger.schema import migrate
from tests.fuzz.inputs import Input, printed
from tests.fuzz.scenes import MOST_PODS, NETNS, NEW, container
from tests.fuzz.seeds import ANSWER, BASES, RICH, RUNTIME_CONFIG, SECRET, result
from tests.fuzz.values import NASTY, bent, bent_bytes, bent_text, nasty

__all__ = ["KINDS", "drawn"]

_VERBS = ("ADD", "ADD", "ADD", "DEL", "DEL", "CHECK", "GC", "STATUS", "VERSION")
_VARIABLES = ("CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH", "CNI_ARGS")
_VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")

# A value in a value in a value grows past what can be walked; the program's own limit has a test of its own.
_LARGEST = 5_000_000

_TEXTS = [value for value in NASTY if isinstance(value, str)]


def _config(base: str, verb: str) -> dict[str, Any]:
    """The base's configuration, in a version that has the verb."""
    config = copy.deepcopy(BASES[base].config)
    if verb in {"GC", "STATUS"}:
        config["cniVersion"] = "1.1.0"
    elif verb == "CHECK":
        config["cniVersion"] = max(config["cniVersion"], "0.4.0")
    return config


def _planted(config: Any) -> Any:
    """With a secret where nobody looks for anything."""
    return {**config, "x-unknown": {"token": SECRET}} if isinstance(config, dict) else config


def _scene(chance: Random, bases: tuple[str, ...] = tuple(BASES), verbs: tuple[str, ...] = _VERBS) -> Input:
    verb, base, pods = chance.choice(verbs), chance.choice(bases), chance.choice((0, 1, MOST_PODS))
    pod = chance.choice((1, 1, NEW)) if pods else 1
    config = _config(base, verb)
    if verb == "CHECK" or chance.random() < 0.1:
        config["prevResult"] = result(config["cniVersion"])
    if verb == "GC":
        config["cni.dev/valid-attachments"] = _valid(chance, pods)
    return Input("", verb, base, pods, pod, config)


def _valid(chance: Random, pods: int) -> list[dict[str, str]]:
    there = [{"containerID": container(number), "ifname": "eth0"} for number in range(1, pods + 1)]
    return there if chance.random() < 0.5 else there[:1]


def _stdin(chance: Random) -> Input:
    scene = _scene(chance)
    # No path is in it: what becomes of one cannot be kept inside the node's folder.
    text = json.dumps(BASES["l2bridge"].config if "@NODE@" in json.dumps(scene.config) else scene.config)
    data = text.encode(
        chance.choice(("utf-8", "utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le"))
    )
    return scene._replace(
        config=None,
        raw=chance.choice((_odd_stdin, bent_bytes, bent_bytes, bent_bytes))(chance, data).decode("latin-1"),
    )


def _odd_stdin(chance: Random, data: bytes) -> bytes:
    odd = (b"", b" ", b"[]", b"null", b"0", b'""', b"{}", b"\xff", b"\0" * 20, b"{}{}")
    large = (
        *(b"[" * 200_000, b'{"a":' * 100_000, b'{"a":' + b"9" * 100_000 + b"}"),
        *(b'"' + b"x" * 3_000_000 + b'"', b" " * 9_999_999),
    )
    if chance.random() < 0.05:
        return chance.choice((*large, data[:-1] + b',"pad":"' + b"y" * 5_000_000 + b'"}'))
    member = json.dumps({chance.choice(("cniVersion", "name", "ipam", "dns", "x")): nasty(chance)}).encode()
    return chance.choice(
        (*odd, data * 2, data[1:], data.upper(), data[:-1] + b"," + member[1:], member[:-1] + b"," + data[1:])
    )


def _document(chance: Random) -> Input:
    scene = _scene(chance)
    if chance.random() < 0.5:
        config = {**copy.deepcopy(RICH), "cniVersion": chance.choice(_VERSIONS[-2:])}
        scene = scene._replace(
            base="l2bridge", config={**scene.config, **config} if scene.base == "l2bridge" else config
        )
    return scene._replace(config=_planted(bent(chance, scene.config)))


def _environment(chance: Random) -> Input:
    scene = _scene(chance)
    environ = dict(scene.environ)
    for _ in range(chance.choice((1, 1, 2, 3))):
        name = chance.choice(_VARIABLES)
        environ[name] = _variable(chance, scene.variables().get(name, ""))
    return scene._replace(config=_planted(scene.config), environ=environ)


def _variable(chance: Random, usual: str) -> str | None:
    if chance.random() < 0.15:
        return None
    if chance.random() < 0.5:
        return bent_text(chance, usual)
    odd = ("\udcff\udcfe", "x" * 300, "add", "ADD ", "eth0\n", "net1", "/" * 9, container(1), container(2))
    return chance.choice((*odd, *NETNS.values(), *_TEXTS))


def _arguments(chance: Random) -> Input:
    scene = _scene(chance, verbs=("ADD", "ADD", "ADD", "DEL", "CHECK"))
    keys = (
        "IP",
        "MAC",
        "IgnoreUnknown",
        "K8S_POD_NAMESPACE",
        "K8S_POD_NAME",
        "K8S_POD_UID",
        "X",
        "ip",
        "IP ",
    )
    values = ("10.88.0.9", "10.88.0.9/24", "fd00:88::7", "1", "true", "default", "02-11-22-33-44-55", "")
    pieces = [f"{chance.choice(keys)}={chance.choice(values)}" for _ in range(chance.randrange(4))]
    pieces += [f"{chance.choice(keys)}={chance.choice(_TEXTS)}"]
    text = ";".join(pieces)
    if chance.random() < 0.3:
        text = bent_text(chance, text)
    text += f";TOKEN={SECRET};IgnoreUnknown=1" if chance.random() < 0.7 else f";{SECRET}"
    config = scene.config
    if chance.random() < 0.5:
        config = {**config, "dns": {"nameservers": ["10.96.0.10"], "search": ["svc.example"]}}
        config["dns"] |= {"searchInPodNamespace": True} if config["type"] == "cni-hns" else {}
    return scene._replace(config=_planted(config), environ={"CNI_ARGS": text})


def _runtime_config(chance: Random) -> Input:
    scene = _scene(chance, verbs=("ADD", "ADD", "ADD", "ADD", "CHECK", "DEL"))
    wanted = copy.deepcopy(RUNTIME_CONFIG)
    some = {key: wanted[key] for key in chance.sample(sorted(wanted), chance.randrange(1, 4))}
    capabilities = (
        dict.fromkeys(wanted, True) if chance.random() < 0.8 else scene.config.get("capabilities", {})
    )
    config = {**scene.config, "capabilities": capabilities, "runtimeConfig": bent(chance, some)}
    return scene._replace(config=_planted(config))


def _previous(chance: Random) -> Input:
    scene = _scene(chance, verbs=("ADD", "ADD", "CHECK", "CHECK", "DEL"))
    version = chance.choice(_VERSIONS)
    config = {**scene.config, "cniVersion": version} if scene.verb == "ADD" else scene.config
    previous = result(version if chance.random() < 0.5 else config["cniVersion"])
    return scene._replace(config=_planted({**config, "prevResult": bent(chance, previous)}))


def _attachments(chance: Random) -> Input:
    scene = _scene(chance, verbs=("GC",))
    config = scene.config
    if chance.random() < 0.3:
        config["cni.dev/attachments"] = _valid(chance, scene.pods)
    key = chance.choice(sorted(key for key in config if key.startswith("cni.dev/")))
    config[key] = bent(chance, {"it": config[key]})
    config[key] = (
        config[key].get("it") if isinstance(config[key], dict) and chance.random() < 0.95 else config[key]
    )
    if chance.random() < 0.01:
        config[key] = [{"containerID": f"c{number}", "ifname": "eth0"} for number in range(20_000)]
    return scene._replace(config=_planted(config))


def _ipam(chance: Random) -> Input:
    scene = _scene(chance, bases=("delegated",), verbs=("ADD", "ADD", "ADD", "DEL", "CHECK", "GC", "STATUS"))
    answers = {scene.verb: _spoken(chance)}
    if chance.random() < 0.3:
        answers["DEL"] = _spoken(chance)
    if any(told.get("hang") or told.get("child") for told in answers.values()):
        scene = scene._replace(config={**scene.config, "timeout": 1})
    answers.setdefault("ADD", {"stdout": json.dumps(ANSWER)})
    return scene._replace(config=_planted(scene.config), ipam=answers)


def _spoken(chance: Random) -> dict[str, Any]:
    """What a plugin says: a bent result, a bent error, or what is neither."""
    told: dict[str, Any] = {}
    if chance.random() < 0.5:
        told["stdout"] = json.dumps(bent(chance, {**ANSWER, "cniVersion": chance.choice(_VERSIONS)}))
        if chance.random() < 0.3:
            told["stdout"] = bent_bytes(chance, told["stdout"].encode()).decode("utf-8", "replace")
    else:
        code: Any = chance.choice(
            (0, 1, 7, 11, 99, 114, -1, 2**31, 2**32, 10**20, True, "7", None, 7.0, [], {})
        )
        error = {"cniVersion": "1.1.0", "code": code, "msg": f"the pool of {SECRET} is dry", "details": "x"}
        told["stdout"] = json.dumps(bent(chance, error) if chance.random() < 0.6 else error)
        told["exit"] = chance.choice((0, 1, 1, 1, 2, 77, 127, 255))
    if chance.random() < 0.2:
        told["stdout"] = chance.choice(
            ("", " ", "null", "[]", "{}", "0", "\0", "\ufeff{}", "[" * 3_000, "{}{}")
        )
    if chance.random() < 0.2:
        told["stderr"] = chance.choice(("note\n", f"{SECRET}\n", "a\x1b[2J\n", "\udcff", "e" * 70_000))
    if chance.random() < 0.01:
        told["times"] = chance.choice((1_000, 100_000))
    if chance.random() < 0.006:
        told[chance.choice(("hang", "child"))] = True
    return told


_FUNCTIONS = (
    *("HcnEnumerateNetworks", "HcnQueryNetworkProperties", "HcnOpenNetwork", "HcnCreateNetwork", "HNSCall"),
    *("HcnEnumerateEndpoints", "HcnQueryEndpointProperties", "HcnOpenEndpoint", "HcnCreateEndpoint"),
    *("HcnDeleteEndpoint", "HcnQueryNamespaceProperties", "HcnOpenNamespace", "HcnModifyNamespace"),
)
_HRESULTS = (
    *(1, 0x80004005, 0x80070005, 0x80070490, 0x80070057, 0x803B0001, 0x803B0002, 0x803B0013, 0x803B002F),
    *(0x800706BA, 0xFFFFFFFF, 0x80000000, 0x12345678),
)
_ANSWERS = (
    *("", "null", "[]", "{}", "0", "x", "[null]", '[""]', '["x"]', "\ud800", '{"a":1}'),
    *("[" * 3_000, "z" * 900_000),
)
_RECORDS = (
    *("", "x", "{", "null", "[]", "{}", '{"Error":[]}', '{"ErrorCode":"x","Error":7}', '{"ErrorCode":[]}'),
    *('{"Error":"a\\nb","Success":false}', "\x1b[2J\n", "[" * 3_000, "r" * 900_000),
)


def _hns(chance: Random) -> Input:
    scene = _scene(chance, verbs=("ADD", "ADD", "ADD", "DEL", "CHECK", "GC", "STATUS"))
    lies = [_lie(chance) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
    # Without what the ledger has noted of the network, HNS is asked more.
    forgotten = {"table": "networks", "row": 0, "column": "hcn_id", "value": "'0'"}
    damage = [forgotten] if chance.random() < 0.2 else []
    return scene._replace(config=_planted(scene.config), hns=lies, ledger=damage)


def _lie(chance: Random) -> dict[str, Any]:
    lie: dict[str, Any] = {"function": chance.choice(_FUNCTIONS)}
    if chance.random() < 0.5:
        lie = {"call": chance.randrange(8)}
    if chance.random() < 0.2:
        lie["often"] = 99
    kind = chance.randrange(10)
    if kind == 0:
        return lie | {"text": chance.choice(_ANSWERS)}
    if kind == 1:
        return lie | {"cut": chance.randrange(300)}
    if kind == 2:
        return lie | {"record": chance.choice(_RECORDS)}
    if kind == 3:
        record = {"record": chance.choice(_RECORDS)} if chance.random() < 0.5 else {}
        return lie | {"hresult": chance.choice(_HRESULTS)} | record
    changed = {"drop": True} if kind == 4 else {"value": nasty(chance)}
    return lie | {"at": chance.randrange(120)} | changed


def _columns() -> dict[str, list[str]]:
    """Every column of every table that the ledger has."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        migrate(connection)
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")] for (name,) in tables
        }


_COLUMNS = _columns()


def _ledger(chance: Random) -> Input:
    scene = _scene(chance, verbs=("ADD", "ADD", "DEL", "CHECK", "GC", "STATUS"))
    scene = scene._replace(pods=chance.choice((1, MOST_PODS)))
    damage = []
    for _ in range(chance.choice((1, 1, 1, 2))):
        table = chance.choice((*["attachments"] * 3, *["leases"] * 2, *sorted(_COLUMNS)))
        column = chance.choice(_COLUMNS[table])
        damage.append(
            {"table": table, "row": chance.randrange(3), "column": column, "value": _literal(chance)}
        )
    return scene._replace(config=_planted(scene.config), ledger=damage)


_SQL_VALUES = (
    *("NULL", "0", "-1", "1", "9223372036854775807", "1e308", "9e999", "-9e999", "0.5", "x''", "x'00'"),
    *(
        "CAST(x'ff41' AS TEXT)",
        "CAST(x'00' AS TEXT)",
        "CAST(x'eda080' AS TEXT)",
        "zeroblob(15)",
        "zeroblob(16)",
    ),
    *("x'0102030405060708090a0b0c0d0e0f10'", "x'ffffffffffffffffffffffffffffffff'", "x'ff41'"),
    *("zeroblob(2000000)", "CAST(zeroblob(3000000) AS TEXT)"),
    *(
        "'ready'",
        "'adding'",
        "'deleting'",
        "'tombstone'",
        "'held'",
        "'quarantined'",
        "'entombed'",
        "'hns'",
        "'adopted'",
    ),
)


def _literal(chance: Random) -> str:
    """An SQL value of any type: from the list, or a nasty one as JSON or as it is."""
    kind = chance.randrange(8)
    if kind <= 2:
        return chance.choice(_SQL_VALUES)
    if kind <= 5:
        return _quoted(json.dumps(nasty(chance)))
    return _quoted(chance.choice(_TEXTS))


def _quoted(text: str) -> str:
    parts = text.replace("'", "''").split("\0")
    return " || char(0) || ".join(f"'{part}'" for part in parts)


def _flips(chance: Random) -> Input:
    scene = _scene(chance, verbs=("ADD", "DEL", "CHECK", "GC", "STATUS"))
    flips = [
        [chance.choice((chance.randrange(100), chance.randrange(80_000))), chance.randrange(1, 256)]
        for _ in range(chance.choice((1, 2, 8, 64)))
    ]
    return scene._replace(pods=chance.choice((1, MOST_PODS)), config=_planted(scene.config), flips=flips)


def _process(chance: Random) -> Input:
    """A few of the other kinds, with nothing in between."""
    one = chance.choice((_stdin, _environment, _arguments, _document, _ipam))(chance)
    # Without CNI_COMMAND the program is the operator's.
    command = one.variables().get("CNI_COMMAND", "").replace("\0", "")
    environ = one.environ if command else {**one.environ, "CNI_COMMAND": one.verb}
    return one._replace(process=True, environ=environ)


Maker = Callable[[Random], Input]

# Each kind with its weight.
KINDS: dict[str, tuple[Maker, int]] = {
    "stdin": (_stdin, 14),
    "configuration": (_document, 22),
    "environment": (_environment, 10),
    "CNI_ARGS": (_arguments, 8),
    "runtimeConfig": (_runtime_config, 10),
    "prevResult": (_previous, 8),
    "valid-attachments": (_attachments, 6),
    "ipam-plugin": (_ipam, 7),
    "hns": (_hns, 14),
    "ledger": (_ledger, 14),
    "ledger-bytes": (_flips, 4),
    "process": (_process, 1),
}


def drawn(seed: str, number: int, only: list[str] | None = None) -> Input:
    """The input of this number; another one in place of one that is too large to be handled."""
    draw = f"{seed}/{number}"
    one = _drawn(draw, only)
    while len(printed(one)) > _LARGEST:
        draw += "/again"
        one = _drawn(draw, only)
    return one


def _drawn(of: str, only: list[str] | None) -> Input:
    chance = Random(of)  # noqa: S311 - it decides tests
    names = only or list(KINDS)
    (kind,) = chance.choices(names, [KINDS[name][1] for name in names])
    return KINDS[kind][0](chance)._replace(kind=kind)
