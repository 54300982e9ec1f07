"""Whether a brief's wants can be had on its site: what contradicts what, with the numbers of both."""

from __future__ import annotations

from ..elements.booleans import between
from ..errors import UsageError
from .brief import Target, Targets
from .site import Site, sections

_CUBE = 6.0
"""Surface over volume of a cube of one cubic metre; of a volume V it is this over its cube root."""

_BALL = 4.83598
"""The same of a ball: nothing has less."""

_AREAS = {"floor_area_ratio": "gross_floor_area", "plot_coverage": "footprint_area"}
"""Ratios to the plot's area, and what they are ratios of."""


def in_full(targets: Targets, site: Site) -> dict[str, float]:
    """Give the values wanted, ratios to the plot as areas in m2."""
    plot = site.plot.polygon.area
    return {
        _AREAS.get(name, name): target.value * (plot if name in _AREAS else 1.0)
        for name, target in targets.measured().items()
    }


def by_full_name(targets: Targets) -> dict[str, Target]:
    """Give the targets by the names that `in_full` has."""
    return {_AREAS.get(name, name): target for name, target in targets.measured().items()}


def refuse_contradictions(targets: Targets, site: Site) -> None:
    """Refuse what cannot be.

    Raises:
        UsageError: with every pair of numbers that contradict each other.
    """
    wanted = in_full(targets, site)
    slack = {name: 1 + target.tolerance for name, target in by_full_name(targets).items()}
    storey, top = targets.storey_height, site.top
    plan = site.envelope.project().area()
    asked_top = min(top, wanted.get("height", top) * slack.get("height", 1.0))
    room = between(site.envelope, 0.0, asked_top)
    floors = float(sections(room, storey).sum())
    under = "" if asked_top == top else f" up to {asked_top:.4g} m"
    most = {
        "volume": (room.volume(), "m3", f"the envelope's volume{under}"),
        "height": (top, "m", "the envelope's height"),
        "footprint_area": (plan, "m2", "the envelope's plan"),
        "gross_floor_area": (floors, "m2", f"what {storey:g} m storeys in the envelope{under} hold"),
        "storeys": (int(top / storey + 0.5), "", f"storeys of {storey:g} m under {top:g} m"),
    }
    found = [
        f"{name} = {wanted[name]:.4g} {unit}, but {what} is {limit:.4g}"
        for name, (limit, unit, what) in most.items()
        if name in wanted and wanted[name] > limit * slack[name]
    ]
    kept = site.keep.volume()
    if kept > 0:
        least = {
            "volume": kept,
            "height": site.keep.bounding_box()[5],
            "footprint_area": site.keep.project().area(),
            "gross_floor_area": float(sections(site.keep, storey).sum()),
        }
        found += [
            f"{name} = {wanted[name]:.4g}, but what is kept alone has {limit:.4g}"
            for name, limit in least.items()
            if name in wanted and wanted[name] * slack[name] < limit
        ]
    found += _among_themselves(wanted, slack, storey)
    compact = wanted.get("surface_to_volume")
    least_surface = _BALL / max(wanted.get("volume", site.envelope.volume()), 1e-9) ** (1 / 3)
    if compact is not None and compact * slack["surface_to_volume"] < least_surface:
        found.append(
            f"surface_to_volume = {compact:.3g} 1/m, but a ball of that volume has {least_surface:.3g} "
            f"(a cube {least_surface * _CUBE / _BALL:.3g})"
        )
    if found:
        raise UsageError("the brief contradicts itself: " + "; ".join(found) + "; change one of each")


def _among_themselves(wanted: dict[str, float], slack: dict[str, float], storey: float) -> list[str]:
    """What is wanted against what else is wanted."""
    found = []
    area, floors, storeys = (wanted.get(k) for k in ("footprint_area", "gross_floor_area", "storeys"))
    height, volume = wanted.get("height"), wanted.get("volume")
    if area and floors and storeys:
        limit = area * slack["footprint_area"] * storeys * slack["storeys"]
        if floors > limit * slack["gross_floor_area"]:
            found.append(
                f"gross_floor_area = {floors:.4g} m2, but {storeys:g} storeys of {area:.4g} m2 have "
                f"{area * storeys:.4g}"
            )
    if height and storeys and height * slack["height"] < (storeys / slack["storeys"] - 0.5) * storey:
        found.append(
            f"storeys = {storeys:g} of {storey:g} m need {(storeys - 0.5) * storey:g} m, "
            f"but height = {height:.4g} m"
        )
    if height and area and volume and volume > height * area * slack["height"] * slack["volume"]:
        found.append(f"volume = {volume:.4g} m3, but footprint_area times height is {height * area:.4g}")
    return found
