"""Two findings of two looks at a node: whether they tell of one thing."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.doctor.finding import Finding, Kind, Seen

KIND = Kind("ill", "an effect", "cni-hns gc")
FIRST: dict[str, Any] = {"kind": "k", "subject": "pod a", "cause": "a was lost", "pods": ("a",)}


def told(**changes: Any) -> Finding:
    return Finding.of(Seen(**{**FIRST, **changes}), KIND)


@pytest.mark.parametrize(
    "later",
    [
        pytest.param({}, id="the same"),
        pytest.param({"cause": "a was lost 9 s ago"}, id="with other words"),
        pytest.param({"subject": "2 pods", "cause": "both were", "pods": ("b", "a")}, id="with another pod"),
        pytest.param({"subject": "services x, y", "pods": ()}, id="of one cause"),
    ],
)
def test_what_was_told_is_told_again(later: dict[str, Any]) -> None:
    assert told(**later).is_of_the_same(told())


def test_how_many_there_are_may_differ() -> None:
    one = told(subject='1 address of network "pods"', cause="10.88.0.9", pods=())
    two = told(subject='2 addresses of network "pods"', cause="10.88.0.9, 10.88.0.10", pods=())
    other = told(subject='2 addresses of network "more"', cause="10.99.0.9, 10.99.0.10", pods=())
    assert one.is_of_the_same(two)
    assert not two.is_of_the_same(other)


@pytest.mark.parametrize(
    "later",
    [
        pytest.param({"kind": "other"}, id="another kind"),
        pytest.param({"subject": "pod b", "cause": "b was lost", "pods": ("b",)}, id="another pod"),
        pytest.param({"subject": "endpoint 2 (b)", "cause": "b was lost", "pods": ()}, id="another object"),
    ],
)
def test_another_thing_is_another(later: dict[str, Any]) -> None:
    assert not told(**later).is_of_the_same(told())
