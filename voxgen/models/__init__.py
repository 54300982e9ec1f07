"""The families, by name; each is imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, nearest

if TYPE_CHECKING:
    from .base import GenerativeModel

FAMILIES: dict[str, dict[str, str]] = {
    "vae": {"default": "voxgen.models.vae:VAE"},
    "gan": {"default": "voxgen.models.gan:GAN", "thesis": "voxgen.models.thesis:ThesisGAN"},
    "flow": {"default": "voxgen.models.flow:Flow", "voxel": "voxgen.models.voxel_flow:VoxelFlow"},
    "diffusion": {
        "default": "voxgen.models.diffusion:Diffusion",
        "voxel": "voxgen.models.voxel_diffusion:VoxelDiffusion",
    },
}
"""Family -> recipe -> class. A family from outside is named `package.module:Class` in its place."""

SPACES: dict[str, dict[str, str]] = {
    "flow": {"latent": "default", "voxel": "voxel"},
    "diffusion": {"latent": "default", "voxel": "voxel"},
}
"""Families with two forms -> over latents of an autoencoder, or over voxels -> recipe."""


def recipe_in(name: str, space: str) -> str:
    """Give the recipe of a family in a space, `voxel` or `latent`.

    Raises:
        UsageError: for a family of one form.
    """
    if name not in SPACES:
        raise UsageError(f"{name} has one form only, so it has no --space; these have: {', '.join(SPACES)}")
    return SPACES[name][space]


def family(name: str, recipe: str = "default") -> type[GenerativeModel[Any]]:
    """Give the class of a family.

    Args:
        name: a name out of `FAMILIES`, or `package.module:Class`.
        recipe: which of the family's recipes.

    Raises:
        UsageError: for an unknown family, recipe, module or class.
    """
    if ":" in name:
        return _load(name)
    if name not in FAMILIES:
        raise UsageError(f"no model {name!r}{nearest(name, FAMILIES)}; there are: {', '.join(FAMILIES)}")
    recipes = FAMILIES[name]
    if recipe not in recipes:
        raise UsageError(f"{name} has no recipe {recipe!r}; it has: {', '.join(recipes)}")
    return _load(recipes[recipe])


def _load(address: str) -> type[GenerativeModel[Any]]:
    from .base import GenerativeModel

    module_name, _, class_name = address.partition(":")
    try:
        found = getattr(import_module(module_name), class_name)
    except (ImportError, AttributeError) as failure:
        raise UsageError(f"cannot load the model {address!r}: {failure}") from None
    if not (isinstance(found, type) and issubclass(found, GenerativeModel)):
        raise UsageError(f"{address!r} is no GenerativeModel; derive it from voxgen.models.base")
    return found
