"""`dataclass`, cheap to define: what `dataclasses.dataclass` gives, for a tenth of the start-up.

A run defines some 150 frozen classes. The standard decorator writes and compiles six methods for
each before its first instance, 0.8 ms a class and a third of a short run. Here all classes share
their methods, and `__init__` is compiled for those that have more than a few instances. Type
checkers see the standard decorator; `field`, `fields`, `asdict` are the standard ones, and so is
`replace` but where a search makes thousands of copies.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["Keyed", "dataclass", "replace"]

# Compiling `__init__` costs 0.1 ms, as much as some twenty instances made without.
FEW_INSTANCES = 4

# So are some fifty copies made field by field.
FEW_COPIES = 50


class Keyed:
    """Base of records that are looked up by again and again: each works out its hash once.

    It is neither copied nor pickled: the hash of a text is another in every process.
    """

    __slots__ = ("_hash",)


if TYPE_CHECKING:
    from dataclasses import dataclass, replace
else:

    def dataclass(*, frozen: bool = False, **options: bool) -> Callable[[type], type]:
        """`dataclasses.dataclass`; only frozen classes are made the cheap way."""
        if frozen and not options.keys() - {"slots", "kw_only"}:
            return partial(_record, **options)
        return dataclasses.dataclass(frozen=frozen, **options)

    def replace(one: Any, /, **changes: Any) -> Any:  # noqa: ANN401
        """`dataclasses.replace`; of our slotted classes for a third of the time."""
        made = type(one)
        copied, setters = _COPIES.get(made) or _copies(made)
        if copied is None:
            return dataclasses.replace(one, **changes)
        copy = copied(one)
        try:
            for name, value in changes.items():
                setters[name](copy, value)
        except KeyError:
            return dataclasses.replace(one, **changes)  # which says what is wrong
        return copy


# By class, what makes a copy (None: nothing of ours) and what sets its fields.
_COPIES: dict[type, tuple[Callable[[Any], Any] | None, dict[str, Callable[..., None]]]] = {}
_asked: Counter[type] = Counter()


def _copies(made: type) -> tuple[Callable[[Any], Any] | None, dict[str, Callable[..., None]]]:
    """What makes copies of a class, compiled when it has been asked for a few times."""
    _asked[made] += 1
    if _asked[made] < FEW_COPIES:
        return None, {}
    fields = dataclasses.fields(made)
    slots = {one.name: getattr(getattr(made, one.name, None), "__set__", None) for one in fields}
    setters = {name: put for name, put in slots.items() if put is not None}
    is_plain = made.__dict__.get("__setattr__") is __setattr__ and not hasattr(
        made, "__post_init__"
    )
    if not is_plain or len(setters) < len(fields) or not all(one.init for one in fields):
        _COPIES[made] = None, {}
        return _COPIES[made]
    given: dict[str, Any] = {f"_put_{name}": put for name, put in setters.items()}
    # Names of fields, which are Python names, are all that is put into this text.
    body = "".join(f" _put_{name}(copy, one.{name})\n" for name in setters)
    text = f"def copied(one):\n copy = _new(_made)\n{body} return copy"
    exec(text, given | {"_new": object.__new__, "_made": made}, given)  # noqa: S102
    _COPIES[made] = given["copied"], setters
    return _COPIES[made]


def _record(cls: type, **options: bool) -> type:
    """The class with its fields, and the methods that it does not define itself."""
    cls.__doc__ = cls.__doc__ or cls.__name__  # else a signature is written, at 2 ms a class
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, **options)(cls)
    fields = dataclasses.fields(made)
    compared = _values([one.name for one in fields if one.compare])
    hashed = _values([one.name for one in fields if _hashed(one)])
    shown = [one.name for one in fields if one.repr]

    instances = count(1)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401, N807
        if next(instances) > FEW_INSTANCES or not _put(self, fields, args, kwargs):
            made.__init__ = _init(made)
            made.__init__(self, *args, **kwargs)

    def __repr__(self: Any) -> str:  # noqa: ANN401, N807
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({values})"

    def __eq__(self: Any, other: object) -> bool:  # noqa: ANN401, N807
        if type(other) is not type(self):
            return NotImplemented
        return bool(compared(self) == compared(other))

    def __hash__(self: Any) -> int:  # noqa: ANN401, N807
        return hash(hashed(self))

    def hashed_once(self: Any) -> int:  # noqa: ANN401
        try:
            found: int = self._hash
        except AttributeError:
            found = hash(hashed(self))
            object.__setattr__(self, "_hash", found)
        return found

    methods = {
        "__init__": __init__,
        "__repr__": __repr__,
        "__eq__": __eq__,
        "__hash__": hashed_once if issubclass(cls, Keyed) else __hash__,
        "__setattr__": __setattr__,
        "__delattr__": __delattr__,
        "__getstate__": __getstate__,
        "__setstate__": __setstate__,
    }
    for name, method in methods.items():
        if name not in cls.__dict__:
            setattr(made, name, method)
    return made  # type: ignore[no-any-return]


def _hashed(field: dataclasses.Field[Any]) -> bool:
    return field.compare if field.hash is None else field.hash


def _values(names: list[str]) -> Callable[[object], Any]:
    """A function from an instance to its values of those names, in one call."""
    return attrgetter(*names) if names else lambda _: ()


def _put(
    self: Any,  # noqa: ANN401
    fields: tuple[dataclasses.Field[Any], ...],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> bool:
    """What `_init` writes, done field by field; False where the arguments do not fit."""
    names = [one.name for one in fields if one.init and not one.kw_only]
    given = {**kwargs, **dict(zip(names, args))}  # noqa: B905 (too many are counted)
    if len(given) < len(args) + len(kwargs):
        return False
    for one in fields:
        if one.init and one.name in given:
            value = given.pop(one.name)
        elif one.default is not dataclasses.MISSING:
            value = one.default
        elif one.default_factory is not dataclasses.MISSING:
            value = one.default_factory()
        elif one.init:
            return False
        else:
            continue  # left to `__post_init__`
        object.__setattr__(self, one.name, value)
    if given:
        return False
    if hasattr(self, "__post_init__"):
        self.__post_init__()
    return True


def _init(made: type) -> Callable[..., None]:
    """`__init__` of a class, which puts its arguments past `__setattr__`."""
    given: dict[str, Any] = {}
    positional, by_name, body = ["self"], ["*"], []
    for one in dataclasses.fields(made):
        name = parameter = value = one.name
        if one.default is not dataclasses.MISSING:
            given[f"_default_{name}"] = one.default
            parameter = f"{name}=_default_{name}"
            value = name if one.init else f"_default_{name}"
        elif one.default_factory is not dataclasses.MISSING:
            given[f"_make_{name}"] = one.default_factory
            parameter = f"{name}=_make_{name}"
            value = f"_make_{name}() if {name} is _make_{name} else {name}"
            value = value if one.init else f"_make_{name}()"
        elif not one.init:
            continue  # left to `__post_init__`
        if one.init:
            (by_name if one.kw_only else positional).append(parameter)
        if slot := getattr(getattr(made, name, None), "__set__", None):
            given[f"_put_{name}"] = slot
            body.append(f" _put_{name}(self, {value})")
        else:
            body.append(f" self.__dict__[{name!r}] = {value}")
    if hasattr(made, "__post_init__"):
        body.append(" self.__post_init__()")
    # Names of fields, which are Python names, are all that is put into this text.
    parameters = positional + (by_name if len(by_name) > 1 else [])
    text = f"def __init__({', '.join(parameters)}):\n" + "\n".join(body or [" pass"])
    exec(text, given)  # noqa: S102
    written: Callable[..., None] = given["__init__"]
    return written


def __setattr__(self: object, name: str, value: object) -> None:  # noqa: N807
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def __delattr__(self: object, name: str) -> None:  # noqa: N807
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def __getstate__(self: Any) -> list[Any]:  # noqa: ANN401, N807
    return [getattr(self, one.name) for one in dataclasses.fields(self)]


def __setstate__(self: Any, state: list[Any]) -> None:  # noqa: ANN401, N807
    for one, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)
