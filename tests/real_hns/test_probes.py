"""The simulated HNS answers as the table says; so does the real one, or a row fails by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cni_hns.binding.codes import describe
from cni_hns.binding.reading import member
from cni_hns.simulator.core.options import OPTIONS
from tests.harness import SimulatedNode
from tests.real_hns.node import HnsNode, rehearsal
from tests.real_hns.probes import PROBES, Ground, Outcome, Probe, outcome_of

# From this version on the record says the HRESULT.
CODE_IN_RECORD = (9, 0)

BY_NAME = {probe.name: probe for probe in PROBES}


def deviation(probe: Probe, seen: Outcome, version: tuple[int, int]) -> str:
    """In words, what the simulated HNS would have to do otherwise; empty if nothing."""
    if seen.hresult != probe.hresult:
        settled = f'its option is "{probe.option}"' if probe.option else "a rule of the simulator, no option"
        return (
            f"{probe.name}: the simulated HNS answers {shown(probe.hresult)}, this one (version "
            f"{version[0]}.{version[1]}) {shown(seen.hresult)} with the record {seen.record!r}; {settled}"
        )
    if not seen.hresult:
        return ""
    codes = {seen.hresult} if version >= CODE_IN_RECORD else {None}
    faults = [] if isinstance(seen.record, dict) else ["is no JSON object"]
    if isinstance(seen.record, dict):
        faults += [] if member(seen.record, "Success") is False else ["does not say Success: false"]
        faults += [] if member(seen.record, "Error") else ["has no text"]
        faults += [] if member(seen.record, "ErrorCode") in codes else ["has another ErrorCode"]
    return f"{probe.name}: the record {seen.record!r} {' and '.join(faults)}" if faults else ""


def shown(hresult: int) -> str:
    return f"0x{hresult:08X} {describe(hresult).name}" if hresult else "with success"


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_hns_answers_as_the_simulated_one(
    hns_node: HnsNode, probe: Probe, record_testsuite_property: Callable[[str, object], None]
) -> None:
    call = probe.prepare(Ground(hns_node))
    seen = outcome_of(call)
    # A JUnit report has what was seen, right or wrong.
    record_testsuite_property(probe.name, f"0x{seen.hresult:08X} {seen.record}")
    words = deviation(probe, seen, hns_node.hns.version())
    if words:
        # In full: an assertion's explanation would be cut short.
        pytest.fail(words, pytrace=False)


def test_every_probe_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(PROBES)


@pytest.mark.parametrize("probe", [probe for probe in PROBES if probe.option], ids=lambda probe: probe.name)
def test_what_no_evidence_settles_is_probed_at_the_options_default(probe: Probe) -> None:
    default, _ = OPTIONS[probe.option]
    assert default == (probe.hresult if probe.option.endswith("_hresult") else True)


def test_a_deviation_is_named_with_the_option_that_holds_it(tmp_path: Path) -> None:
    probe = BY_NAME["create an endpoint whose ID is taken"]
    with rehearsal(tmp_path) as node:
        other = SimulatedNode(tmp_path / "node")
        other.simulator.set_options(existing_id_hresult=0x80070050)
        other.close()
        words = deviation(probe, outcome_of(probe.prepare(Ground(node))), node.hns.version())
    assert "create an endpoint whose ID is taken: the simulated HNS answers 0x800700B7" in words
    assert "this one (version 16.0) 0x80070050" in words
    assert words.endswith('its option is "existing_id_hresult"')


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        pytest.param("gone", "is no JSON object", id="a plain text"),
        pytest.param({"Success": False, "Error": "gone "}, "has another ErrorCode", id="no code"),
        pytest.param(
            {"Error": "gone ", "ErrorCode": 0x803B0002}, "does not say Success: false", id="no Success"
        ),
    ],
)
def test_a_record_of_another_shape_is_a_deviation(record: object, fault: str) -> None:
    probe = BY_NAME["open an endpoint that is not there"]
    assert fault in deviation(probe, Outcome(0x803B0002, record), (15, 4))  # type: ignore[arg-type]
