"""What a verb loads to reach HNS: nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ["pydantic", "netaddr", "dataclasses", "uuid", "pathlib", "argparse", "subprocess", "asyncio", "cffi"]
HEAVY += ["logging", "cni_hns.binding.codes", "cni_hns.binding.windows", "cni_hns.hcn.models"]
HEAVY += [
    "threading",
    "cni_hns.schema",
    "cni_hns.binding.operations",
    "cni_hns.binding._generated_computecore",
    "cni_hns.binding._generated_host",
    "cni_hns.binding.host",
    "cni_hns.binding.route_table",
]

# An editable installation loads some of them before any code of ours.
SCRIPT = """
import sys
for name in sys.argv[2].split(","):
    sys.modules.pop(name, None)
__import__(sys.argv[1])
print([name for name in sys.argv[2].split(",") if name in sys.modules])
"""


@pytest.mark.parametrize(
    "module",
    [
        "cni_hns.binding.service",
        "cni_hns.binding.processes",
        "cni_hns.hcn.client",
        "cni_hns.hcn.documents",
        "cni_hns.hcn.gates",
        "cni_hns.hcn.views",
        "cni_hns.hns.client",
        "cni_hns.hcs.hot_attach",
    ],
)
def test_a_module_of_the_straight_path_loads_nothing_heavy(module: str) -> None:
    command = [sys.executable, "-c", SCRIPT, module, ",".join(HEAVY)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"
