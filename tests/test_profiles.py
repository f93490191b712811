"""What a run with `--profile` drives, and what it leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cni_hns.simulator import PROFILES
from tests import profile
from tests.harness import SimulatedNode
from tests.packaging import IN_PROCESS, Packaging
from tests.selection import MARKERS, reason_against, summary


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """The run's own profile is that of the other tests."""
    before = profile.chosen()
    yield
    profile.choose(before)


def _reason(*markers: pytest.MarkDecorator) -> str:
    """Why a run leaves out a test with these markers."""
    item = SimpleNamespace(
        path=Path("tests/behaviour/test_it.py"),
        get_closest_marker=lambda name: next((one.mark for one in markers if one.mark.name == name), None),
        iter_markers=lambda name: iter([one.mark for one in markers if one.mark.name == name]),
    )
    return reason_against(cast(Any, item), Packaging(IN_PROCESS), "")


@pytest.mark.parametrize("name", profile.NAMES)
def test_a_new_node_is_of_the_profile(tmp_path: Path, name: str) -> None:
    profile.choose(name)
    node = SimulatedNode(tmp_path / "node")
    assert node.hns.version() == PROFILES[name].hns
    node.close()


def test_a_version_that_a_test_asks_for_prevails(tmp_path: Path) -> None:
    profile.choose("server-2019")
    node = SimulatedNode(tmp_path / "node", hns_version="13.3")
    assert node.hns.version() == (13, 3)
    node.close()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("server-2019", "HNS 9.3 of server-2019 has no DualStack"),
        ("server-2022", ""),
        ("server-2025-updated", ""),
        ("", ""),
    ],
)
def test_a_test_of_a_feature_is_left_out_where_the_profile_lacks_it(name: str, reason: str) -> None:
    profile.choose(name)
    assert _reason(pytest.mark.needs("DualStack")) == reason


def test_a_test_of_a_schema_is_left_out_where_the_profile_is_older() -> None:
    profile.choose("server-2019")
    assert _reason(pytest.mark.needs(schema=(2, 4))) == "HNS 9.3 of server-2019 has no schema 2.4"
    assert _reason(pytest.mark.needs(schema=(2, 0))) == ""


def test_all_that_a_test_needs_must_be_there() -> None:
    profile.choose("server-2022")
    both = [pytest.mark.needs("DualStack"), pytest.mark.needs("TierAcl", "NetworkAcl")]
    assert _reason(*both) == "HNS 13.3 of server-2022 has no TierAcl, no NetworkAcl"


def test_without_a_profile_nothing_is_left_out_for_its_hns() -> None:
    from cni_hns.simulator.core.versions import FEATURES, RELEASES, schema_of

    profile.choose("")
    assert _reason(pytest.mark.needs(*FEATURES, schema=schema_of(max(RELEASES)))) == ""


def test_the_run_tells_its_profile() -> None:
    profile.choose("server-2022")
    assert summary(Packaging(IN_PROCESS))[0] == "profile server-2022"


def test_the_marker_is_registered() -> None:
    assert any(marker.startswith("needs(") for marker in MARKERS)
