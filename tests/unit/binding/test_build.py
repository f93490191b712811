"""The generated module is the one of the declarations, and the declarations are those of the pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cffi
import pytest

from cni_hns.binding import build, computecore, host_calls
from cni_hns.binding._generated_computecore import ffi as containers_ffi
from cni_hns.binding._generated_ffi import ffi

MODULES = ("_generated_ffi.py", "_generated_computecore.py", "_generated_host.py", "_generated_services.py")

FAMILIES = {
    "Network": "Networks",
    "Endpoint": "Endpoints",
    "Namespace": "Namespaces",
    "LoadBalancer": "LoadBalancers",
    "SdnRoute": "SdnRoutes",
}


def test_the_committed_module_is_what_the_declarations_give() -> None:
    assert build.main(["--check"]) == 0


def test_a_stale_or_missing_module_is_reported_and_then_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "_FOLDER", str(tmp_path))
    assert build.main(["--check"]) == 1
    assert capsys.readouterr().err.count("is stale") == len(MODULES)
    assert build.main([]) == 0
    assert build.main(["--check"]) == 0
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == build.generate()


@pytest.mark.parametrize(("one", "many"), FAMILIES.items())
def test_each_family_has_its_seven_functions(one: str, many: str) -> None:
    functions = [f"HcnEnumerate{many}", f"HcnQuery{one}Properties"]
    functions += [f"Hcn{verb}{one}" for verb in ("Create", "Open", "Modify", "Delete", "Close")]
    declared = set(re.findall(r"\b(Hcn\w+)\(", build.DECLARATIONS))
    assert set(functions) <= declared


@pytest.mark.parametrize(
    "declarations", [build.DECLARATIONS, computecore.DECLARATIONS, host_calls.DECLARATIONS]
)
def test_a_page_or_the_lack_of_one_stands_above_each_function(declarations: str) -> None:
    undocumented = declarations.find("SDN routes. None of these has a page")
    documented = declarations.find("computenetwork.dll: notifications")
    lines = declarations.splitlines()
    position = 0
    for index, line in enumerate(lines):
        if re.match(r"\w[\w ]*\*?\s?\w+\(", line) and not line.startswith("typedef"):
            above = lines[index - 1]
            assert (
                above.startswith(("// https://learn.microsoft.com/", "// No page"))
                or "No page" in above
                or undocumented < position < documented
            ), line
        position += len(line) + 1


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("GUID", 16),
        ("HRESULT", 4),
        ("DWORD", 4),
        ("WCHAR", 2),
        ("FILETIME", 8),
        ("SERVICE_STATUS_PROCESS", 36),
    ],
)
def test_types_have_the_sizes_of_windows_on_every_system(name: str, size: int) -> None:
    assert ffi.sizeof(name) == size


@pytest.mark.parametrize(
    ("name", "size"),
    [("HCS_EVENT", 24), ("HCS_PROCESS_INFORMATION", 32), ("HCS_CREATE_OPTIONS_1", 48), ("HCS_SYSTEM", 8)],
)
def test_types_of_containers_have_the_sizes_of_windows_on_every_system(name: str, size: int) -> None:
    assert containers_ffi.sizeof(name) == size


def _declared(text: str) -> dict[str, Any]:
    builder: Any = cffi.FFI()
    builder.cdef(text)
    declared: dict[str, Any] = builder._parser._declarations
    return declared


def test_each_function_has_the_shape_that_a_simulated_service_makes_it_of() -> None:
    shapes = {
        "HcnOpenNamespace": "HCN_OPEN",
        "HcnCreateNetwork": "HCN_CREATE",
        "HcnCreateEndpoint": "HCN_CREATE_ENDPOINT",
        "HcnEnumerateSdnRoutes": "HCN_ENUMERATE",
        "HcnModifyLoadBalancer": "HCN_MODIFY",
        "HcnQueryEndpointStats": "HCN_QUERY",
        "HcnDeleteNetwork": "HCN_DELETE",
        "HcnCloseEndpoint": "HCN_CLOSE",
        "HcnRegisterServiceCallback": "HCN_REGISTER_SERVICE_CALLBACK",
        "HcnUnregisterServiceCallback": "HCN_UNREGISTER_SERVICE_CALLBACK",
        "HNSCall": "HNS_CALL",
        "HcsOpenComputeSystem": "HCS_OPEN",
        "HcsModifyComputeSystem": "HCS_MODIFY",
        "HcsCloseComputeSystem": "HCS_CLOSE",
        "CoTaskMemFree": "CO_TASK_MEM_FREE",
    }
    declared = _declared(build.DECLARATIONS)
    for function, shape in shapes.items():
        plain = declared[f"function {function}"][0]
        pointer = declared[f"typedef {shape}"][0]
        assert (plain.result, plain.args) == (pointer.result, pointer.args), function
