"""The resumable state of a run: one safetensors file, so that a kill never mixes two versions.

It holds the weights, their moving average, each optimiser's moments, and in the metadata how far the run is.
No generator state is needed, because all randomness grows from keys. Optimisers' settings are not stored:
they follow from the config and the progress.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor

from ..atomic import replacing
from ..errors import DataError
from ..models.base import GenerativeModel
from .ema import Ema
from .players import Player

FORMAT = "voxgen-state/1"


@dataclass(frozen=True)
class Position:
    """How far a run is.

    Attributes:
        step: steps done.
        seconds: of training by the wall clock until the end of this step, over all sessions: the steps and
            the reports between them, without start-up and without the last report. It is the one clock of
            budgets, progress, metrics.csv and the model card.
    """

    step: int = 0
    seconds: float = 0.0


def save_state(
    path: Path, position: Position, model: GenerativeModel[Any], ema: Ema, players: Sequence[Player]
) -> None:
    """Write the state; atomic."""
    tensors = _named("model", model.state_dict()) | _named("ema", dict(ema.model.named_parameters()))
    scalars: dict[str, Any] = {}
    for player in players:
        for index, values in player.optimiser.state_dict()["state"].items():
            for name, value in values.items():
                key = f"optimiser/{player.name}/{index}/{name}"
                if isinstance(value, Tensor):
                    tensors[key] = value
                else:
                    scalars[key] = value
    metadata = {"format": FORMAT, "position": json.dumps(asdict(position)), "scalars": json.dumps(scalars)}
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    with replacing(path) as beside:
        beside.write_bytes(to_bytes(plain, metadata))


def read_position(path: Path) -> Position:
    """Give how far a run is, from the header alone.

    Raises:
        DataError: when the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as opened:
            about = opened.metadata() or {}
        if about.get("format") != FORMAT:
            raise ValueError(f"its format is {about.get('format')!r}, not {FORMAT!r}")
        return Position(**json.loads(about["position"]))
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as failure:
        raise DataError(_damaged(path, failure)) from None


def load_state(path: Path, model: GenerativeModel[Any], ema: Ema, players: Sequence[Player]) -> Position:
    """Bring model, average and optimisers back to a state; gives how far it was.

    Raises:
        DataError: when the file is damaged or of another model.
    """
    position = read_position(path)
    try:
        tensors = load_file(path)
        with safe_open(path, framework="pt") as opened:
            scalars = json.loads(opened.metadata()["scalars"])
        model.load_state_dict(_under("model/", tensors))
        ema.model.load_state_dict(_under("ema/", tensors), strict=False)
        ema.take_buffers(model)
        for player in players:
            _load_optimiser(player, {**tensors, **scalars})
    except (SafetensorError, OSError, RuntimeError, ValueError, KeyError) as failure:
        raise DataError(_damaged(path, failure)) from None
    return position


def _load_optimiser(player: Player, values: Mapping[str, Any]) -> None:
    state: dict[int, dict[str, Any]] = {}
    for key, value in _under(f"optimiser/{player.name}/", values).items():
        index, _, name = key.partition("/")
        state.setdefault(int(index), {})[name] = value
    groups = player.optimiser.state_dict()["param_groups"]
    player.optimiser.load_state_dict({"state": state, "param_groups": groups})


def _named(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}/{name}": value for name, value in tensors.items()}


def _under(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def _damaged(path: Path, failure: Exception) -> str:
    return (
        f"{path} cannot be resumed from ({failure}); delete it to train from the start, "
        "or train under another name"
    )
