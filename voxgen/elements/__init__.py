"""Building elements out of a mass: storeys, slabs, walls and roofs as solids, and what they measure.

`elements_of` gives them, `schedule` their areas and volumes.
"""

from .build import Elements, elements_of
from .schedule import Schedule, schedule
from .settings import ElementSettings

__all__ = ["ElementSettings", "Elements", "Schedule", "elements_of", "schedule"]
