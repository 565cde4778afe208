"""A class of `capcheck.records` behaves as one of `dataclasses` with the same fields."""

import copy
import dataclasses
import pickle
from functools import cached_property
from typing import Any

import pytest
from capcheck import records


class _Plain:
    """Fields of every kind."""

    name: str
    count: int = 3
    seen: list[int] = dataclasses.field(default_factory=list, hash=False)
    note: str = dataclasses.field(default="", compare=False, repr=False)
    made: dict[str, int] = dataclasses.field(default_factory=dict, init=False, hash=False)
    fixed: int = dataclasses.field(default=7, init=False)


def _defined(decorator: Any, body: type = _Plain) -> Any:
    inside = {k: v for k, v in vars(body).items() if k not in ("__dict__", "__weakref__")}
    return decorator(frozen=True, slots=True)(type(body)("Named", body.__bases__, inside))


STANDARD = _defined(dataclasses.dataclass)
OURS = _defined(records.dataclass)


@pytest.fixture(params=[0, records.FEW_INSTANCES], ids=["first", "later"])
def ours(request: pytest.FixtureRequest) -> Any:
    """The class before its first instance, and when its `__init__` is about to be compiled."""
    made = _defined(records.dataclass)
    for _ in range(request.param):
        made("any")
    return made


@records.dataclass(frozen=True, slots=True)
class Base:
    """Of the module, so that it can be pickled."""

    first: int


@records.dataclass(frozen=True, slots=True)
class Derived(Base):
    """With a field more."""

    second: tuple[int, ...] = ()


@records.dataclass(frozen=True, slots=True)
class Checked:
    """With methods of its own."""

    value: int
    doubled: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        if self.value < 0:
            raise ValueError("negative")
        object.__setattr__(self, "doubled", 2 * self.value)

    def __repr__(self) -> str:
        return "own"


@records.dataclass(frozen=True)
class Loose:
    """Without slots, for cached properties."""

    value: int

    @cached_property
    def doubled(self) -> int:
        """Made once."""
        return 2 * self.value


@records.dataclass(frozen=True, slots=True, kw_only=True)
class Spelled:
    """By name only, in any order."""

    first: int = 1
    second: int


@records.dataclass(frozen=True, slots=True)
class Empty:
    """No fields."""


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        (("a",), {}),
        (("a", 4), {"seen": [1]}),
        ((), {"name": "b", "note": "n"}),
        (("a", 3, [2], "m"), {}),
    ],
)
def test_instances_are_those_of_the_standard_decorator(
    ours: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    one, standard = ours(*args, **kwargs), STANDARD(*args, **kwargs)
    assert dataclasses.asdict(one) == dataclasses.asdict(standard)
    assert repr(one) == repr(standard)
    assert not hasattr(one, "__dict__")
    assert one.__match_args__ == standard.__match_args__
    changed = dataclasses.replace(one, count=9)
    assert (changed.count, changed.name) == (9, one.name)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({"name": "a"}, {"name": "a"}, True),
        ({"name": "a"}, {"name": "b"}, False),
        ({"name": "a", "note": "x"}, {"name": "a", "note": "y"}, True),
        ({"name": "a", "seen": [1]}, {"name": "a"}, False),
    ],
)
def test_equality_and_hash_heed_the_fields(
    one: dict[str, Any], other: dict[str, Any], *, equal: bool
) -> None:
    assert (OURS(**one) == OURS(**other)) is equal
    assert (STANDARD(**one) == STANDARD(**other)) is equal
    if equal:
        assert hash(OURS(**one)) == hash(OURS(**other))


def test_another_class_with_the_same_values_is_another() -> None:
    assert Base(1) != Derived(1)
    assert OURS("a") != STANDARD("a")
    assert Empty() == Empty()
    assert hash(Empty()) == hash(Empty())


def test_defaults_are_not_shared(ours: Any) -> None:
    made = [ours("a") for _ in range(3)]
    assert len({id(one.seen) for one in made}) == 3
    assert len({id(one.made) for one in made}) == 3


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "missing 1 required positional argument: 'name'"),
        (("a", 1, [], "", {}), {}, "takes from 2 to 5 positional arguments but 6 were given"),
        (("a",), {"name": "b"}, "multiple values for argument 'name'"),
        (("a",), {"fixed": 1}, "unexpected keyword argument 'fixed'"),
    ],
)
def test_wrong_arguments_are_refused(
    ours: Any, args: tuple[Any, ...], kwargs: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        STANDARD(*args, **kwargs)
    with pytest.raises(TypeError, match=message):
        ours(*args, **kwargs)


def test_nothing_can_be_assigned_or_deleted() -> None:
    one = OURS("a")
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'name'"):
        one.name = "b"
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'name'"):
        del one.name
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.unknown = 1


@pytest.mark.parametrize(
    "one", [Base(1), Derived(1, (2,)), Empty(), Checked(3), Loose(1), Spelled(second=2)]
)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_and_pickles_are_equal(one: object, copied: Any) -> None:
    assert copied(one) == one
    assert pickle.loads(pickle.dumps(one)) == one


def test_a_derived_class_takes_the_fields_of_its_base() -> None:
    assert Derived(1, second=(2,)).first == 1
    assert repr(Derived(1)) == "Derived(first=1, second=())"


EVERY = range(records.FEW_INSTANCES + 2)


def test_methods_of_the_class_stay() -> None:
    for value in EVERY:
        assert repr(Checked(value)) == "own"
        assert Checked(value).doubled == 2 * value
        with pytest.raises(ValueError, match="negative"):
            Checked(-1)


def test_a_class_without_slots_may_cache() -> None:
    for value in EVERY:
        one = Loose(value)
        assert (one.doubled, one.doubled) == (2 * value, 2 * value)
        with pytest.raises(dataclasses.FrozenInstanceError):
            one.value = 3  # type: ignore[misc]


def test_fields_by_name_only() -> None:
    for _ in EVERY:
        assert repr(Spelled(second=2)) == "Spelled(first=1, second=2)"
        with pytest.raises(TypeError, match="positional"):
            Spelled(1, 2)  # type: ignore[call-arg, misc]


def test_other_options_are_the_standard_ones() -> None:
    ordered = records.dataclass(frozen=True, slots=True, order=True)

    class Number:
        """One."""

        value: int

    made: Any = ordered(Number)
    assert made(1) < made(2)


@records.dataclass(frozen=True, slots=True)
class _Point:
    x: float
    y: float = 0.0
    tags: list[str] = dataclasses.field(default_factory=list, compare=False)


@records.dataclass(frozen=True, slots=True)
class _Checked:
    x: float

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError(self.x)


@pytest.mark.parametrize("made", [0, records.FEW_COPIES], ids=["first", "later"])
def test_replace_is_the_standard_one(made: int) -> None:
    point, checked = _Point(1.0, 2.0, ["a"]), _Checked(1.0)
    for _ in range(made):
        records.replace(point, x=3.0)
        records.replace(checked, x=3.0)
    moved = records.replace(point, x=3.0)
    assert (moved, moved.tags) == (dataclasses.replace(point, x=3.0), ["a"])
    assert moved.tags is point.tags
    assert (point, records.replace(point)) == (_Point(1.0, 2.0), point)
    with pytest.raises(TypeError):
        records.replace(point, z=3.0)
    with pytest.raises(ValueError, match="-1"):
        records.replace(checked, x=-1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        moved.x = 4.0  # type: ignore[misc]
    assert records.replace(STANDARD("any"), count=5) == STANDARD("any", 5)


@records.dataclass(frozen=True, slots=True)
class Key(records.Keyed):
    """Looked up by."""

    part: Base
    note: str = dataclasses.field(default="", hash=False)


def test_a_key_works_out_its_hash_once(monkeypatch: pytest.MonkeyPatch):
    asked: list[Base] = []
    monkeypatch.setattr(Base, "__hash__", lambda self: asked.append(self) or 7)
    one = Key(Base(1))
    assert hash(one) == hash(one) == hash(Key(Base(1), "another"))
    assert asked == [Base(1), Base(1)]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: one])
def test_a_key_is_looked_up_by_its_values(again: Any):
    one = Key(Base(1))
    hash(one)
    assert {again(one): "found"}[Key(Base(1))] == "found"
    for _ in range(records.FEW_COPIES + 1):
        assert hash(records.replace(one, part=Base(2))) == hash(Key(Base(2)))


def test_the_hash_of_a_key_is_not_pickled():
    one = Key(Base(1))
    before = pickle.dumps(one)
    hash(one)
    assert pickle.dumps(one) == before
    assert pickle.loads(before) == one


def test_a_key_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Key(Base(1))._hash = 3  # type: ignore[misc]
