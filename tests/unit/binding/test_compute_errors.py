"""Which error a code of computecore.dll is, and what the error says."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.binding import compute_errors, errors
from cni_hns.binding.codes import describe
from cni_hns.binding.compute_errors import compute_error
from cni_hns.binding.errors import FunctionMissing, ServiceError
from cni_hns.binding.hcs_codes import CODES_FROM_HCS

CLASSES = [
    pytest.param(0x8037010E, errors.SystemNotFound, id="system not found"),
    pytest.param(0xC037010E, errors.SystemNotFound, id="system not found, old API"),
    pytest.param(0x8037010F, errors.AlreadyExists, id="id taken"),
    pytest.param(0xC037010F, errors.AlreadyExists, id="id taken, old API"),
    pytest.param(0x80370110, compute_errors.SystemStopped, id="already stopped"),
    pytest.param(0xC0370110, compute_errors.SystemStopped, id="already stopped, old API"),
    pytest.param(0x80370105, compute_errors.WrongState, id="wrong state"),
    pytest.param(0xC0370105, compute_errors.WrongState, id="wrong state, old API"),
    pytest.param(0x8037011F, compute_errors.ProcessStopped, id="process stopped"),
    pytest.param(0x80370118, compute_errors.OutcomeUnknown, id="wait timed out"),
    pytest.param(0x80370117, compute_errors.OutcomeUnknown, id="still running"),
    pytest.param(0xC0370103, compute_errors.OutcomeUnknown, id="still running, old API"),
    pytest.param(0x80070102, compute_errors.OutcomeUnknown, id="wait timed out, Windows"),
    pytest.param(0x800705B4, compute_errors.OutcomeUnknown, id="timed out, Windows"),
    pytest.param(0x80370114, compute_errors.FeatureMissing, id="feature not installed"),
    pytest.param(0x80370102, compute_errors.FeatureMissing, id="no hypervisor"),
    pytest.param(0x80070424, compute_errors.FeatureMissing, id="service not installed (1060)"),
    pytest.param(0x8037010D, compute_errors.DocumentRefused, id="invalid JSON"),
    pytest.param(0x8007000D, compute_errors.DocumentRefused, id="invalid data (13)"),
    pytest.param(0x80070032, errors.NotSupported, id="not supported (50)"),
    pytest.param(0xC037010B, errors.NotSupported, id="unknown message, old API"),
    pytest.param(0x80004001, errors.NotSupported, id="not implemented"),
    pytest.param(0x80370113, errors.NotSupported, id="Insider only"),
    pytest.param(0x8037011B, errors.AccessDenied, id="not a Hyper-V administrator"),
    pytest.param(0x80070005, errors.AccessDenied, id="access denied"),
    pytest.param(0x800702E4, errors.AccessDenied, id="not elevated"),
    pytest.param(0x8037011E, errors.Unreachable, id="service disconnect"),
    pytest.param(0x800706BA, errors.Unreachable, id="server unavailable"),
    pytest.param(0x800706BE, errors.Unreachable, id="call failed"),
    pytest.param(0x800706BF, errors.Unreachable, id="call not executed"),
    pytest.param(0x80070426, errors.Unreachable, id="service not started"),
    pytest.param(0x80070006, errors.Unreachable, id="handle died with the service"),
]


@pytest.mark.parametrize(("hresult", "kind"), CLASSES)
def test_each_code_is_its_own_class(hresult: int, kind: type[ServiceError]) -> None:
    assert type(compute_error("HcsStartComputeSystem", "compute system x", hresult)) is kind


@pytest.mark.parametrize("hresult", [0x80070490, 0x80070057, 0x80370100, 0x80370106, 0xDEADBEEF, 0x10E])
def test_any_other_code_is_not_taken_for_a_known_one(hresult: int) -> None:
    assert type(compute_error("HcsStartComputeSystem", "compute system x", hresult)) is ServiceError


@pytest.mark.parametrize(
    "kind", [compute_errors.FeatureMissing, compute_errors.DocumentRefused, errors.FunctionMissing]
)
def test_what_this_windows_lacks_is_not_supported_whatever_it_lacks(kind: type[ServiceError]) -> None:
    assert issubclass(kind, errors.NotSupported)


@pytest.mark.parametrize("code", [pytest.param(param.values[0], id=param.id) for param in CLASSES])
def test_every_code_with_a_class_is_said_in_words_with_a_next_step(code: Any) -> None:
    told = describe(code, "HcsStartComputeSystem")
    assert told.name != "unknown HRESULT"
    assert not told.name.startswith("Win32 error")
    assert len(told.next_step) > 3


@pytest.mark.parametrize("code", [pytest.param(code, id=f"0x{code:08X}") for code in CODES_FROM_HCS])
def test_no_code_of_hcs_is_blamed_on_hns(code: int) -> None:
    entry = describe(code, "HcsStartComputeSystem")
    for text in (entry.meaning, entry.next_step):
        assert not {"HNS", "hns", "endpoint"} & set(text.replace("`", " ").split())
        assert len(text) > 3
        assert not text.endswith(".")
    assert describe(0x80070999, "HcsStartComputeSystem").next_step.endswith("Hyper-V-Compute-Admin")


def test_hns_still_says_what_it_said() -> None:
    assert describe(0x80070426, "HcnOpenNetwork").next_step.startswith("start it (`Start-Service hns`)")
    assert describe(0x80070426, "HcsStartComputeSystem").next_step.startswith(
        "start it (`Start-Service vmcompute`)"
    )


def test_a_windows_without_the_dll_says_which_feature_brings_it() -> None:
    text = str(FunctionMissing("HcsCreateOperation", OSError("computecore.dll cannot be loaded")))
    assert "computecore.dll cannot be loaded" in text
    assert "Next: enable the Windows feature Containers" in text


class TestResultError:
    """The document beside a failure becomes the error's text and its next step."""

    def test_message_and_events_are_said_once_each(self) -> None:
        record = {
            "Error": -2143878899,
            "ErrorMessage": "The layer cannot be opened. ",
            "ErrorEvents": [
                {"Message": "The layer cannot be opened.", "Provider": "x"},
                {"Message": "C:\\layers\\7: file not found"},
                {"Data": []},
            ],
        }
        text = str(compute_error("HcsCreateComputeSystem", "compute system x", 0x8037010D, record))
        assert 'The service says: "The layer cannot be opened; C:\\layers\\7: file not found"' in text

    def test_a_long_chain_of_events_is_cut_behind_its_cause(self) -> None:
        record = {"ErrorEvents": [{"Message": f"event {number}"} for number in range(9)]}
        assert compute_error("HcsX", "", 0x80370106, record).words == "event 0; event 1; event 2"

    def test_an_empty_message_is_not_quoted(self) -> None:
        text = str(compute_error("HcsX", "", 0x80370106, {"Error": -1, "ErrorMessage": ""}))
        assert "says" not in text

    @pytest.mark.parametrize(
        ("attribution", "said", "next_step"),
        [
            (
                {"OperationFailure": {"Detail": "RuntimeOsTypeMismatch"}},
                "the service failed in a step of its own (RuntimeOsTypeMismatch)",
                "use an image of this node's Windows version, or Hyper-V isolation",
            ),
            (
                {"SystemExit": {"Detail": "ServiceStop", "Initiator": "Internal"}},
                "the compute system ended (ServiceStop, Internal)",
                "see that the vmcompute service runs (`Get-Service vmcompute`), and start the system again",
            ),
            (
                {"VirtualDeviceFailure": {"Detail": "PowerOnCold", "Name": "Scsi"}},
                "a virtual device failed (Scsi, PowerOnCold)",
                "see that what the device stands for exists: its file, share or adapter",
            ),
            (
                {"GuestCrash": {"CrashParameters": [1]}},
                "the guest crashed",
                "look into the guest's event log",
            ),
            (
                {"WorkerExit": {"Type": "UnexpectedStop", "Detail": "EmulatorError"}},
                "the virtual machine's worker process ended (EmulatorError)",
                "look into the event log Microsoft-Windows-Hyper-V-Worker-Admin",
            ),
        ],
    )
    def test_what_hcs_holds_responsible_is_said_with_what_follows(
        self, attribution: dict[str, Any], said: str, next_step: str
    ) -> None:
        text = str(compute_error("HcsX", "", 0x80370106, {"Error": -1, "Attribution": [attribution]}))
        assert said in text
        assert f"Next: {next_step}" in text

    def test_an_attribution_of_a_newer_windows_is_said_by_its_name(self) -> None:
        fault = compute_error("HcsX", "", 0x80370106, {"Attribution": [{"MoonPhase": {"Detail": "Full"}}]})
        assert fault.words == "MoonPhase (Full)"
        assert "Next: delete the pod" in str(fault)

    @pytest.mark.parametrize(
        "record",
        [
            {"ErrorEvents": 5, "Attribution": 7},
            {"ErrorEvents": ["x"], "Attribution": ["y"]},
            {"Attribution": []},
        ],
    )
    def test_one_of_another_shape_hides_nothing(self, record: dict[str, Any]) -> None:
        text = str(compute_error("HcsX", "", 0x80370106, record))
        assert "0x80370106 HCS_E_UNEXPECTED_EXIT" in text
        assert "Next: delete the pod" in text
