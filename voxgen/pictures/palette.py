"""The colours of all pictures: warm paper, white card, one accent; a warm sun and a cooler sky."""

from __future__ import annotations

PAPER = (246, 243, 237)
WALL = (255, 252, 247)
ROOF = (226, 152, 120)
INK = (62, 57, 54)
QUIET = (140, 132, 125)
"""Captions and notes."""

CONTEXT = (205, 200, 192)
"""Buildings around."""

LAND = (221, 226, 205)
"""A plot."""

STAYS = (190, 176, 150)
"""What stays of a site."""

CUT = (206, 92, 76)
"""What was taken away."""

SUN = (1.0, 0.97, 0.92)
SKY = (0.97, 0.98, 1.0)
"""Colours of the lights, linear."""
