"""Realism: a critic's view of each building in the same company."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from voxgen.errors import UsageError
from voxgen.evaluation.realism import realism
from voxgen.models.base import GenerativeModel, ModelConfig

from .test_likelihood import Uniform


class Filling(Uniform):
    """Finds a building the more real the nearer its filling is to its company's."""

    def realism(self, x: torch.Tensor, company: torch.Tensor) -> torch.Tensor:
        return -(x.flatten(1).mean(1) - company.mean()).abs()


def make(kind: type[GenerativeModel]) -> GenerativeModel:
    return kind(ModelConfig(resolution=(8, 8, 8)))


def test_buildings_like_their_company_are_the_most_real() -> None:
    company = np.zeros((4, 8, 8, 8), np.uint8)
    company[:, :, :, :4] = 64
    shown = np.zeros((3, 8, 8, 8), np.uint8)
    for i, height in enumerate((4, 6, 8)):
        shown[i, :, :, :height] = 64
    found = realism(make(Filling), shown, company)
    assert found.tolist() == sorted(found, reverse=True)
    assert found[0] == pytest.approx(0)


def test_a_model_without_a_critic_is_refused() -> None:
    with pytest.raises(UsageError, match="no critic"):
        realism(make(Uniform), np.zeros((1, 8, 8, 8), np.uint8), np.zeros((1, 8, 8, 8), np.uint8))
