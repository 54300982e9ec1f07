"""How real buildings look to a critic, beside real ones that it has not learnt from."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from ..errors import UsageError
from ..generator import from_coverage
from ..models.base import GenerativeModel, Judging

COMPANY = 15
"""Real buildings among which each building is shown: a critic sees batches."""


def realism(
    model: GenerativeModel[Any], coverage: UInt8[np.ndarray, "n x y z"], company: UInt8[np.ndarray, "m x y z"]
) -> Float[np.ndarray, " n"]:
    """Give how real each building looks among some real ones that the model has not seen.

    Higher is more real, and only differences mean something.

    Raises:
        UsageError: for a model without a critic.
    """
    if not isinstance(model, Judging):
        raise UsageError(f"a {type(model).__name__} has no critic; a gan has: voxgen train --model gan")
    device = next(model.parameters()).device
    shown, beside = (from_coverage(some).to(device) for some in (coverage, company))
    return model.realism(shown, beside).float().cpu().numpy()
