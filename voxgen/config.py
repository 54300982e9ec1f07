"""Frozen typed configs: TOML in, JSON out, `name.key=value` overrides, unknown keys named with the nearest.

A config stands beside the class it configures and derives from `Config`. Nothing else in voxgen parses
settings.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import UsageError, nearest

C = TypeVar("C", bound="Config")
# Not typing.Self: beartype knows it only inside classes that it decorates itself.


class Config(BaseModel):
    """Base of all configs: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls: type[C], values: Mapping[str, Any]) -> C:
        """Validate plain values.

        Raises:
            UsageError: naming each key, what was given and what is allowed.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as failure:
            raise UsageError(_explain(cls, failure)) from None

    @classmethod
    def from_toml(cls: type[C], path: Path) -> C:
        """Read a TOML file."""
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UsageError(f"no config at {path}; write one or leave the option out") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
            raise UsageError(f"{path} is not valid TOML: {failure}") from None
        return cls.parse(values)

    def with_overrides(self: C, overrides: Iterable[str]) -> C:
        """Give the config with dotted `key=value` overrides; values are TOML or none, bare words are strings.

        >>> class Net(Config):
        ...     width: int = 64
        >>> Net().with_overrides(["width=96"])
        Net(width=96)
        """
        values = self.model_dump()
        for item in overrides:
            key, sep, text = item.partition("=")
            if not sep:
                raise UsageError(f"{item!r} is no override; write key=value, for example width=96")
            target = values
            *path, last = key.strip().split(".")
            for name in path:
                if not isinstance(target.get(name), dict):
                    raise UsageError(f"{key!r}: no section {name!r}{nearest(name, target)}")
                target = target[name]
            target[last] = _value(text.strip())
        return type(self).parse(values)

    def to_json(self) -> str:
        """Give the config as indented JSON."""
        return json.dumps(self.model_dump(mode="json"), indent=2)


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give nested values by dotted key.

    >>> dict(flat({"a": 1, "b": {"c": 2}}))
    {'a': 1, 'b.c': 2}
    """
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def setting(key: str, value: Any) -> str:
    """Give a plain value as the override that `with_overrides` reads it back from.

    >>> setting("a", None), setting("b.c", [1, 2]), setting("d", "all"), setting("e", "none")
    ('a=none', 'b.c=[1, 2]', 'd=all', 'e="none"')
    """
    if value is None:
        return f"{key}=none"
    # JSON's numbers, booleans, strings and lists are TOML's too.
    bare = isinstance(value, str) and value == value.strip() and _value(value) == value
    return f"{key}={value if bare else json.dumps(value)}"


def _value(text: str) -> Any:
    if text == "none":
        return None
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text


def _section(cls: type[BaseModel], path: Iterable[str | int]) -> type[BaseModel]:
    for name in path:
        field = cls.model_fields.get(str(name))
        if (
            field is not None
            and isinstance(field.annotation, type)
            and issubclass(field.annotation, BaseModel)
        ):
            cls = field.annotation
    return cls


def _explain(cls: type[BaseModel], failure: ValidationError) -> str:
    lines = []
    for error in failure.errors():
        key = ".".join(str(part) for part in error["loc"])
        if error["type"] == "extra_forbidden":
            fields = list(_section(cls, error["loc"][:-1]).model_fields)
            hint = nearest(str(error["loc"][-1]), fields)
            lines.append(f"unknown key {key!r}{hint}; known keys: {', '.join(fields)}")
        elif key:
            lines.append(f"{key} = {error.get('input')!r}: {error['msg']}")
        else:  # of settings that do not go together
            lines.append(error["msg"].removeprefix("Value error, "))
    return f"{cls.__name__}: " + "; ".join(lines)
