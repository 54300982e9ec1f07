"""Pictures of buildings as models on a table: one building, or many on a sheet."""

from __future__ import annotations

from .isometric import paint, paint_mesh, paint_scene
from .sheet import building_sheet, contact_sheet, save_gif, save_png

__all__ = ["building_sheet", "contact_sheet", "paint", "paint_mesh", "paint_scene", "save_gif", "save_png"]
