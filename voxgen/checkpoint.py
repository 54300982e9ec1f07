"""Self-describing weights: one safetensors file that says which model it is and what it was trained on.

The header's metadata holds, as JSON where it is structured: `format` (voxgen-model/1), `family` and
`recipe` (or `module:Class` for a family from outside), `config`, and `card` (pitch in metres, data, licence,
training). Nothing is unpickled, and code from outside voxgen is imported only when the caller allows it by
name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .atomic import replacing
from .errors import DataError, UsageError
from .models import FAMILIES, family

if TYPE_CHECKING:
    import torch

    from .models.base import GenerativeModel

FORMAT = "voxgen-model/1"

_LARGEST_HEADER = 10_000_000


def family_name(cls: type) -> tuple[str, str]:
    """Give the family and recipe of a class, or its address `module:Class` for one from outside."""
    address = f"{cls.__module__}:{cls.__qualname__}"
    for name, recipes in FAMILIES.items():
        for recipe, known in recipes.items():
            if known == address:
                return name, recipe
    return address, "default"


def save(model: GenerativeModel[Any], path: Path, card: Mapping[str, Any], *, half: bool = False) -> None:
    """Write a model's weights with all that is needed to use them; atomic.

    Args:
        model: the model.
        path: ends in .safetensors.
        card: plain values; `pitch` is the edge of a voxel in metres.
        half: write weights as numbers of 16 bits, in half the space.

    Raises:
        DataError: with `half`, for a weight that is too large for 16 bits.
    """
    import torch
    from safetensors.torch import save as to_bytes

    # Clones, because safetensors refuses tensors that share memory, as tied weights do.
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in model.state_dict().items()}
    if half:
        tensors |= {name: tensors[name].to(torch.float16) for name, _ in model.named_parameters()}
        lost = [name for name, value in tensors.items() if not bool(value.isfinite().all())]
        if lost:
            raise DataError(f"{lost[0]} does not fit into numbers of 16 bits; write the model whole")
    name, recipe = family_name(type(model))
    metadata = {
        "format": FORMAT,
        "family": name,
        "recipe": recipe,
        "config": model.config.model_dump_json(),
        "card": json.dumps(dict(card), ensure_ascii=False),
    }
    with replacing(path) as beside:
        # Not `save_file`, whose files only their owner can read.
        beside.write_bytes(to_bytes(tensors, metadata))


def load(path: Path, *, allow: Collection[str] = ()) -> GenerativeModel[Any]:
    """Give the model of a file, on the CPU and ready to sample.

    Args:
        path: a file that `save` wrote.
        allow: families from outside, as `package.module:Class`, whose code may be imported.

    Raises:
        DataError: when the file is missing, damaged, no model of voxgen's, or does not fit its own config.
        UsageError: when the model's family is from outside and not allowed.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    about = _metadata(path)
    cls = _class(about, path, allow)
    values = _json(about, "config", path)
    try:
        config = cls.config_class.parse(values)
        # Shapes first, without memory: a config that does not fit its weights may ask for any amount.
        with torch.device("meta"):
            expected = cls(config).state_dict()
        tensors = load_file(path)
    except (SafetensorError, UsageError, ArithmeticError, RuntimeError, TypeError, ValueError) as failure:
        raise DataError(f"{path}: no model can be built from the file's own config ({failure})") from None
    _check_fit(expected, tensors, path)
    model = cls(config)
    model.load_state_dict(tensors)
    return model.eval().requires_grad_(False)


def read_card(path: Path) -> dict[str, Any]:
    """Give the card of a file, with `family`, `recipe` and `config` beside what `save` was given.

    Reads the header alone.

    Raises:
        DataError: as `load`.
    """
    about = _metadata(path)
    card = _json(about, "card", path)
    return {
        **card,
        "family": about["family"],
        "recipe": about["recipe"],
        "config": _json(about, "config", path),
    }


def digest(path: Path) -> str:
    """Give the SHA-256 of a model file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _metadata(path: Path) -> dict[str, str]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise DataError(f"no model at {path}; give a file that voxgen train wrote, or a run's name")
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
        if size > _LARGEST_HEADER:
            raise DataError(f"{path} is no safetensors file (or its header is broken)")
        with safe_open(path, framework="pt") as opened:
            about = opened.metadata() or {}
    except (SafetensorError, UnicodeDecodeError, OSError) as failure:
        raise DataError(f"{path} cannot be read as safetensors: damaged, or no model ({failure})") from None
    if about.get("format") != FORMAT:
        raise DataError(
            f"{path} is a safetensors file, but no model of this voxgen: its format is "
            f"{about.get('format', 'not given')!r}, not {FORMAT!r}"
        )
    missing = [key for key in ("family", "recipe", "config", "card") if key not in about]
    if missing:
        raise DataError(f"{path}: the header lacks {', '.join(missing)}; the file is not as voxgen wrote it")
    return about


def _json(about: Mapping[str, str], key: str, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(about[key])
    except (json.JSONDecodeError, RecursionError) as failure:
        raise DataError(f"{path}: the header's {key} is not JSON ({failure})") from None
    if not isinstance(value, dict):
        raise DataError(f"{path}: the header's {key} is {type(value).__name__}, not a table")
    return value


def _class(about: Mapping[str, str], path: Path, allow: Collection[str]) -> type[GenerativeModel[Any]]:
    name = about["family"]
    if ":" in name and name not in allow:
        raise UsageError(
            f"{path} was made by {name!r}, which is not part of voxgen: to load it, that code must run. "
            f"If you trust it, allow it by name: load(..., allow=[{name!r}])"
        )
    try:
        return family(name, about["recipe"])
    except UsageError as failure:
        raise DataError(f"{path}: {failure}") from None


def _check_fit(expected: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor], path: Path) -> None:
    problems = [f"{name} is missing" for name in expected if name not in given]
    problems += [f"{name} is not the model's" for name in given if name not in expected]
    for name in expected.keys() & given.keys():
        want, have = expected[name], given[name]
        if want.shape != have.shape:
            problems.append(f"{name} has shape {tuple(have.shape)}, not {tuple(want.shape)}")
        elif want.is_floating_point() != have.is_floating_point():
            problems.append(f"{name} holds {have.dtype}, not {want.dtype}")
        elif have.is_floating_point() and not bool(have.isfinite().all()):
            problems.append(f"{name} holds NaN or infinite numbers")
    if problems:
        shown = "; ".join(sorted(problems)[:3])
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise DataError(
            f"{path}: the weights do not fit the model: {shown}{more}; the file is damaged, "
            "or of another version"
        )
