"""Symmetries of the networks are those of the pipeline."""

from __future__ import annotations

import numpy as np
import torch

from voxgen.nn.symmetry import SYMMETRIES, turn
from voxgen.pipeline.augment import VARIANTS, augment_each


def test_each_building_is_turned_as_the_pipeline_would():
    assert SYMMETRIES == VARIANTS
    x = np.random.default_rng(0).random((8, 4, 6, 3), np.float32)
    symmetry = np.arange(8) % VARIANTS
    turned = turn(torch.from_numpy(x)[:, None], torch.from_numpy(symmetry))
    assert np.array_equal(turned[:, 0].numpy(), augment_each(x, symmetry))
    assert torch.equal(turn(turned, torch.from_numpy(symmetry))[:, 0], torch.from_numpy(x))
