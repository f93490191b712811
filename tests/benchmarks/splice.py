"""Put the probe into a copy of the built program: `splice.py CONTENTS_FOLDER`, run by the Python it has.

The modules that are measured are compiled again from the sources, with a call of the probe at their end.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from types import CodeType

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

from cni_hns.packed import FILE, PackedModules, _loads, pack  # noqa: E402

PROBE = "cni_hns_probe"
MEASURED = ["cni_hns.stdio", "cni_hns.ledger.opening", "cni_hns.ledger.store", "cni_hns.binding.service"]


def main(folder: str) -> None:
    with closing(PackedModules(folder, os.sep)) as packed:
        extensions = {name: entry for name, entry in packed._index.items() if isinstance(entry, str)}
        code = {name: _body(packed, name) for name in packed.names if name not in extensions}
    code[PROBE] = compile(_text("tests", "benchmarks", "probe.py"), PROBE, "exec"), False
    code["cni_hns"] = compile(_begin(), "cni_hns", "exec"), True
    for name in MEASURED:
        source = _text(*name.split(".")[:-1], name.rpartition(".")[2] + ".py")
        code[name] = (
            compile(f"{source}\nimport cni_hns\ncni_hns.probe.measure(globals())\n", name, "exec"),
            False,
        )
    pack(os.path.join(folder, FILE), code, extensions)


def _begin() -> str:
    """The package's own module, which every other one comes after."""
    return f"from {PROBE} import Probe\nprobe = Probe()\n{_text('cni_hns', '__init__.py')}"


def _body(packed: PackedModules, name: str) -> tuple[CodeType, bool]:
    offset, length, is_package = packed._index[name]
    packed._file.seek(packed._start + offset)
    return _loads(packed._file.read(length)), is_package


def _text(*path: str) -> str:
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


if __name__ == "__main__":
    main(sys.argv[1])
