"""The named tuples of the verbs' modules are what `typing` would have made of them."""

from __future__ import annotations

import typing
from typing import Any

import pytest

from cni_hns import typed


class Ours(typed.NamedTuple):
    """A record."""

    name: str
    size: int = 3
    """The field's own words."""
    tags: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        return f"{self.name} of {self.size}"

    @classmethod
    def of(cls, text: str) -> typing.Self:
        return cls(name=text, size=len(text))


class Theirs(typing.NamedTuple):
    """A record."""

    name: str
    size: int = 3
    tags: tuple[str, ...] = ()


BOTH = pytest.mark.parametrize("kind", [Ours, Theirs])


@BOTH
@pytest.mark.parametrize(
    ("by_place", "by_name"),
    [
        pytest.param(("a", 1, ("x",)), {}, id="all by place"),
        pytest.param(("a",), {}, id="defaults"),
        pytest.param((), {"name": "a", "tags": ("x",)}, id="by name"),
        pytest.param(("a", 1), {"tags": ("x",)}, id="both"),
    ],
)
def test_values_come_by_place_by_name_and_by_default(
    kind: Any, by_place: tuple[Any, ...], by_name: dict[str, Any]
) -> None:
    made = kind(*by_place, **by_name)
    assert made == Theirs(*by_place, **by_name)
    assert (made.name, made.size, made.tags) == tuple(made)
    assert (made._fields, made._field_defaults) == (("name", "size", "tags"), {"size": 3, "tags": ()})


@BOTH
@pytest.mark.parametrize(
    ("by_place", "by_name"),
    [
        pytest.param((), {}, id="one is missing"),
        pytest.param(("a", 1, (), 2), {}, id="too many"),
        pytest.param(("a",), {"colour": "red"}, id="an unknown name"),
        pytest.param(("a",), {"name": "b"}, id="given twice"),
    ],
)
def test_other_values_are_a_type_error(kind: Any, by_place: tuple[Any, ...], by_name: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        kind(*by_place, **by_name)


def test_the_error_names_the_fields() -> None:
    with pytest.raises(TypeError, match=r"Ours\(name, size, tags\) got 1 values by place and colour by name"):
        Ours("a", colour="red")  # type: ignore[call-arg]


@BOTH
def test_it_is_a_tuple_that_cannot_be_changed(kind: Any) -> None:
    made = kind("a")
    name, *rest = made
    assert (isinstance(made, tuple), name, rest) == (True, "a", [3, ()])
    assert made == ("a", 3, ())
    assert hash(made) == hash(("a", 3, ()))
    for member in ("name", "other"):
        with pytest.raises(AttributeError):
            setattr(made, member, "b")


@BOTH
def test_it_is_copied_with_changes_and_as_a_dictionary(kind: Any) -> None:
    made = kind("a", 1)
    assert made._replace(size=2) == ("a", 2, ())
    assert type(made._replace(size=2)) is kind
    assert made._asdict() == {"name": "a", "size": 1, "tags": ()}
    assert type(kind._make(["a", 1, ()])) is kind
    with pytest.raises((TypeError, ValueError)):
        made._replace(colour="red")


@BOTH
def test_it_is_shown_and_matched_by_its_fields(kind: Any) -> None:
    assert repr(kind("a")) == f"{kind.__name__}(name='a', size=3, tags=())"
    match kind("a", 7):
        case Ours(name, size) | Theirs(name, size):
            assert (name, size) == ("a", 7)


def test_it_has_the_methods_of_its_body() -> None:
    assert (Ours.of("abcd").words, Ours.__doc__) == ("abcd of 4", "A record.")


def test_to_a_type_checker_the_names_are_those_of_typing() -> None:
    assert set(typed.__all__) - {"TYPE_CHECKING"} <= set(typing.__all__)
    assert not typed.TYPE_CHECKING
