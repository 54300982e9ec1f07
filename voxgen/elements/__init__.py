"""Building elements out of a mass: storeys, slabs, walls and roofs as solids, and what they measure."""
