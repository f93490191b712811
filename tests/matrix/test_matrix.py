"""The matrix itself: its table is complete, a seed draws the same cases, a fault of the program is found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cni_hns.hcn.client import Family
from cni_hns.ledger import Ledger
from tests.campaigns import sample
from tests.matrix.__main__ import main
from tests.matrix.cases import RECOVERIES, VERBS, every
from tests.matrix.faults import Point, Way
from tests.matrix.scenes import SCENES
from tests.matrix.trial import Trials

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="its processes are forked, and killed by signals"),
    pytest.mark.timeout(300),
]

_POINTS = [
    Point("hns", 1, "HcnOpenNetwork"),
    Point("hns", 2, "HcnCreateEndpoint"),
    Point("closing", 1, "HcnCloseNetwork"),
    Point("ledger", 1, "COMMIT"),
    Point("file", 1, "unlink"),
    Point("child", 1, "ADD"),
]
_ADD = "l2bridge / ADD known network"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The command's exit code and what it prints."""
    code = main([*arguments, "--jobs", "1"])
    return code, capsys.readouterr().out


def effects(kind: str) -> set[str]:
    return {case.way.effect for case in every({("l2bridge", "ADD"): _POINTS}) if case.point.kind == kind}


def test_every_way_is_tried_at_every_kind_of_point() -> None:
    everywhere = {"fail", "kill", "reboot"}
    assert effects("closing") == everywhere
    assert effects("ledger") == effects("file") == everywhere | {"hang", "restart"}
    assert effects("hns") == effects("child") == everywhere | {"hang", "restart", "late"}


def test_every_recovery_follows_every_way_but_those_that_wait_for_a_deadline() -> None:
    cases = list(every({("l2bridge", "ADD"): _POINTS}))
    for point, way in {(case.point, case.way) for case in cases}:
        recoveries = [case.recovery for case in cases if (case.point, case.way) == (point, way)]
        assert len(recoveries) == 1 if way.hangs else recoveries == list(RECOVERIES)


def test_a_seed_draws_the_same_cases_each_time() -> None:
    cases = list(every({("l2bridge", "ADD"): _POINTS}))
    assert sample(cases, 20, seed=1) == sample(cases, 20, seed=1) != sample(cases, 20, seed=2)
    assert sample(cases, len(cases) + 1, seed=1) == cases


def test_the_whole_table_has_more_than_30000_cases_of_every_scene_and_verb(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, text = printed(capsys, "--list")
    names = [line for line in text.splitlines() if not line.startswith("left out")]
    assert code == 0
    assert len(set(names)) == len(names) > 30_000
    needs_nothing = {scene.name for scene in SCENES.values() if not scene.needs}
    found = {tuple(name.split(" / ")[:2]) for name in names}
    assert {(scene, verb) for scene in needs_nothing for verb in VERBS} <= found


def test_a_program_that_takes_back_what_it_began_passes(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = printed(capsys, "--only", f"{_ADD} / ledger", "--sample", "25")
    assert (code, ", 0 failed, 0 steps not reached" in text) == (0, True), text


def test_an_undo_that_does_nothing_is_found_with_its_smallest_case(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """HNS is never told to delete an endpoint."""
    monkeypatch.setattr(Family, "delete", lambda family, guid: None)
    code, text = printed(capsys, "--only", f"{_ADD} / hns 5 HcnModifyNamespace / fail 0x803B0017")
    assert code == 1
    smallest = f"the smallest failing case: {_ADD} / hns 5 HcnModifyNamespace / fail 0x803B0017 / DEL"
    assert smallest in text
    assert "at the end: the endpoint of a pod that is deleted" in text.partition(smallest)[2]


def test_a_lease_that_outlives_its_pod_is_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ledger, "free", lambda ledger, network, address: None, raising=True)
    code, text = printed(capsys, "--only", f"{_ADD} / hns 4 HcnCreateEndpoint / fail 0x80070005")
    assert code == 1
    assert "at the end: a lease that is held" in text


@pytest.mark.parametrize(
    ("point", "way"),
    [
        (Point("ledger", 1, "BEGIN"), Way("kill")),
        (Point("child", 1, "ADD"), Way("kill", after=True)),
    ],
)
def test_a_killed_verb_is_a_process_that_was_killed(tmp_path: Path, point: Point, way: Way) -> None:
    trials = Trials(tmp_path)
    (case,) = [
        case
        for case in every({("delegated", "ADD known network"): [point]})
        if (case.way, case.recovery) == (way, "DEL")
    ]
    trial = trials.trial(case)
    trial.site.restore(trial.template)
    ended = trial.verb_process(point, way)
    assert (ended.killed, ended.fired, ended.stdout) == (True, True, "")
