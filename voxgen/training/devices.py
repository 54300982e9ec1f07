"""Where a run computes: device, processes, precision and threads, by Lightning Fabric."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import torch
from lightning_fabric import Fabric

from ..errors import UsageError
from .config import TrainConfig

Device = Literal["cpu", "cuda", "mps"]
Precision = Literal["32-true", "bf16-mixed"]


def choose(config: TrainConfig) -> tuple[Device, Precision]:
    """Give the device and precision to compute with.

    Raises:
        UsageError: for a device, or a number of them, that this machine does not have.
    """
    device = _device(config.accelerator)
    if device == "cuda" and config.devices > torch.cuda.device_count():
        raise UsageError(
            f"devices = {config.devices}, but there are {torch.cuda.device_count()} GPUs; "
            "ask for that many at most"
        )
    if device == "mps" and config.devices > 1:
        raise UsageError(f"devices = {config.devices}, but mps has one device; leave devices out")
    wanted = config.precision
    if wanted == "auto":
        wanted = "bf16-mixed" if bf16_pays(device) else "32"
    return device, "bf16-mixed" if wanted == "bf16-mixed" else "32-true"


def make_fabric(device: Device, precision: Precision, devices: int) -> Fabric:
    """Give a Fabric, not yet launched.

    Several devices run as processes of their own (DDP; gloo on CPUs, NCCL on GPUs): Fabric starts the same
    command once more for each.
    """
    # It tells its own user of the precision; ours reads it in environment.json.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    strategy = "ddp" if devices > 1 else "auto"
    return Fabric(accelerator=device, devices=devices, strategy=strategy, precision=precision)


def _device(wanted: str) -> Device:
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        wanted = next(name for name, there in here.items() if there)
    if not here[wanted]:
        there = ", ".join(name for name, is_there in here.items() if is_there)
        raise UsageError(f"device {wanted!r} is not on this machine; there is: {there}")
    return "cuda" if wanted == "cuda" else "mps" if wanted == "mps" else "cpu"


def bf16_pays(device: str) -> bool:
    """Whether the hardware multiplies in bf16; emulation is slower than float32."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device != "cpu":
        return False
    # Private until torch offers a public one; absent on platforms that have neither.
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    asks = (getattr(torch.cpu, name, None) for name in names)
    return any(ask is not None and ask() for ask in asks)


def physical_cores() -> int:
    """Physical cores this process may use: a second thread on a core only gets in the first one's way."""
    if not hasattr(os, "sched_getaffinity"):
        return torch.get_num_threads()
    mine = os.sched_getaffinity(0)
    siblings = set()
    for cpu in mine:
        path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            siblings.add(path.read_text(encoding="ascii"))
        except OSError:
            return len(mine)
    return max(1, len(siblings))


@contextmanager
def thread_count(threads: int | None, processes: int) -> Iterator[int]:
    """Compute with so many threads inside the block; by default the processes share the physical cores."""
    before = torch.get_num_threads()
    wanted = threads or max(1, physical_cores() // processes)
    torch.set_num_threads(wanted)
    try:
        yield wanted
    finally:
        torch.set_num_threads(before)
