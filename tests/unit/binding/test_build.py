"""The generated module is the one of the declarations, and the declarations are those of the pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cni_hns.binding import build
from cni_hns.binding._generated_ffi import ffi

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
    target = tmp_path / "_generated_ffi.py"
    monkeypatch.setattr(build, "_FILE", str(target))
    assert build.main(["--check"]) == 1
    assert "is stale" in capsys.readouterr().err
    assert build.main([]) == 0
    assert build.main(["--check"]) == 0
    assert target.read_text() == build.generate()


@pytest.mark.parametrize(("one", "many"), FAMILIES.items())
def test_each_family_has_its_seven_functions(one: str, many: str) -> None:
    functions = [f"HcnEnumerate{many}", f"HcnQuery{one}Properties"]
    functions += [f"Hcn{verb}{one}" for verb in ("Create", "Open", "Modify", "Delete", "Close")]
    declared = set(re.findall(r"\b(Hcn\w+)\(", build.DECLARATIONS))
    assert set(functions) <= declared


def test_a_page_or_the_lack_of_one_stands_above_each_function() -> None:
    undocumented = build.DECLARATIONS.index("SDN routes. None of these has a page")
    documented = build.DECLARATIONS.index("computenetwork.dll: notifications")
    lines = build.DECLARATIONS.splitlines()
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


def test_each_function_has_the_shape_that_a_simulated_service_makes_it_of() -> None:
    builder = __import__("cffi").FFI()
    builder.cdef(build.DECLARATIONS)
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
    declared = builder._parser._declarations
    for function, shape in shapes.items():
        plain = declared[f"function {function}"][0]
        pointer = declared[f"typedef {shape}"][0]
        assert (plain.result, plain.args) == (pointer.result, pointer.args), function
