"""What the modules that a verb loads need of `typing`, at a fraction of its cost.

Loading `typing`, and having it make fifty named tuples, is a tenth of a short call. To a type checker the
names here are those of `typing`. At run time annotations are texts that nobody reads: a name that stands in
annotations only has to exist. Modules whose annotations pydantic reads import `typing` itself.
"""

from __future__ import annotations

from operator import itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final, Literal, NamedTuple, NoReturn, Protocol, Self, overload

__all__ = [
    "TYPE_CHECKING",
    "Any",
    "Final",
    "Literal",
    "NamedTuple",
    "NoReturn",
    "Protocol",
    "Self",
    "overload",
]


class _Fields(type):
    """Gives a class a field for each annotation in its body, and the values that stand there as defaults."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> _Fields:
        fields = tuple(namespace.get("__annotations__", ()))
        defaults = {field: namespace[field] for field in fields if field in namespace}
        places = {field: property(itemgetter(place)) for place, field in enumerate(fields)}
        own = {"_fields": fields, "_field_defaults": defaults, "__match_args__": fields, "__slots__": ()}
        return super().__new__(cls, name, bases, {**namespace, **places, **own})


class _Record(tuple, metaclass=_Fields):  # type: ignore[type-arg]
    """`typing.NamedTuple` as far as this program uses it."""

    if TYPE_CHECKING:
        _fields: tuple[str, ...]
        _field_defaults: Mapping[str, object]

    def __new__(cls, *values: object, **named: object) -> Self:
        if named or len(values) != len(cls._fields):
            values = (*values, *cls._rest(len(values), named))
        return tuple.__new__(cls, values)

    @classmethod
    def _rest(cls, given: int, named: dict[str, object]) -> list[object]:
        """The values that were not given by their place, by name or by default."""
        fields = cls._fields[given:]
        known = {**cls._field_defaults, **named}
        missing = [field for field in fields if field not in known]
        surplus = [field for field in named if field not in fields]
        if missing or surplus or given > len(cls._fields):
            raise TypeError(
                f"{cls.__name__}({', '.join(cls._fields)}) got {given} values by place and "
                f"{', '.join(named) or 'none'} by name"
            )
        return [known[field] for field in fields]

    @classmethod
    def _make(cls, values: Iterable[object]) -> Self:
        return cls(*values)

    def _replace(self, **changes: object) -> Self:
        return type(self)(**{**self._asdict(), **changes})

    def _asdict(self) -> dict[str, object]:
        return dict(zip(self._fields, self, strict=True))

    def __repr__(self) -> str:
        shown = (f"{name}={value!r}" for name, value in self._asdict().items())
        return f"{type(self).__name__}({', '.join(shown)})"


if not TYPE_CHECKING:
    NamedTuple = _Record
    Protocol = object
    Any = Final = Literal = NoReturn = Self = None

    def overload(function: object) -> object:
        return function
