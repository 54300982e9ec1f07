"""Exports opened by the design tools themselves: what `make test-tools` runs.

    python tests/interop/tools/run.py TOOLS [--work FOLDER] [--count 16] [--docs FOLDER]

TOOLS is the folder of `install.sh`. Buildings of the models that come with voxgen, `--count` of each, are
sampled and exported by the command line in every format, as masses and as elements, and as drawings. Each
tool opens what it reads in a process of its own and says what it found: bounds in metres, names, materials,
whether solids are closed, and their volume. That is held against the building as it was to be written. The
table of it goes to `interop.md` in the folder of the docs, pictures that Blender rendered beside it.

Any cell that is not as it should be makes the exit code 1.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from voxgen import pretrained
from voxgen.atomic import write_text
from voxgen.elements import elements_of
from voxgen.errors import DataError
from voxgen.export import ExportSettings, prepared
from voxgen.formats.grid_file import SUFFIX, read_grid
from voxgen.formats.materials import by_material
from voxgen.formats.write_table import WRITABLE
from voxgen.geometry.solid import MASS, Model
from voxgen.pictures import save_png

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]

MODES = ("mass", "elements")
SHOWN = 8
"""Buildings of each mode that are rendered."""

BATCH = 32
"""Files that a tool's process is given: where it crashes, no more are lost."""

MOST_SECONDS = 600
"""That a tool may take for a batch."""

BOUNDS, VOLUME = 2e-3, 1e-2
"""Metres, and the share of the volume, that a tool may find otherwise."""

UNSAID = {
    ("Blender", "stl", "elements"): ("volume", "its STL reader drops triangles that lie on each other"),
}
"""Tool, format and mode -> what cannot be checked there, and why."""

CHECKS = ("size", "up", "names", "materials", "closed", "volume")

Found = Mapping[str, Any]


@dataclass(frozen=True)
class Tool:
    """A tool that opens files.

    Attributes:
        name: of the tool.
        formats: that it is given.
        read: files -> what it found in each, by path.
    """

    name: str
    formats: tuple[str, ...]
    read: Callable[[Sequence[Path]], Mapping[str, Found]]


@dataclass(frozen=True)
class Truth:
    """What a file should be found to hold; `low` and `high` in metres, Z up."""

    low: np.ndarray
    high: np.ndarray
    names: frozenset[str]
    materials: frozenset[str]
    volume: float

    @classmethod
    def of(cls, model: Model) -> Truth:
        """Give what a building holds."""
        corners = np.concatenate([solid.surface.vertices[solid.surface.loops] for solid in model.solids])
        materials = {
            material.name
            for solid in model.solids
            for material, chosen in by_material(solid, solid.surface.labels)
            if chosen.any()
        }
        volume = sum(solid.surface.to_mesh().volume for solid in model.solids)
        # A mass has the building's name, or lies below it.
        whole = len(model.solids) == 1
        names = frozenset(model.name if whole else solid.name for solid in model.solids)
        return cls(corners.min(axis=0), corners.max(axis=0), names, frozenset(materials), volume)


def main() -> int:
    """Export, open, compare; write the table and the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tools", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/tools-work"))
    parser.add_argument("--count", type=int, default=16, help="buildings of each model")
    parser.add_argument("--docs", type=Path, default=REPOSITORY / "docs")
    args = parser.parse_args()
    tools, work = args.tools.resolve(), args.work.resolve()
    grids = exported(work, args.count)
    rows, wrong = [], []
    for mode in MODES:
        truths = {path.name.removesuffix(SUFFIX): truth_of(path, mode) for path in grids}
        for tool in the_tools(tools, work):
            for form in tool.formats:
                suffix = WRITABLE[form].suffix
                files = {work / mode / f"{name}{suffix}": truth for name, truth in truths.items()}
                print(f"{mode}: {len(files)} {form} in {tool.name}", flush=True)
                found = in_batches(tool.read, [*files])
                row, faults = compared(tool.name, form, mode, files, found)
                rows.append(row)
                wrong += faults
    drawings = sorted((work / "drawings").glob("*.dxf"))
    found = in_batches(lambda paths: by_script(tools, work, "qgis", paths), drawings)
    opened = [path for path in drawings if found[str(path)].get("names")]
    wrong += [f"QGIS, dxf: {path.name}: {found[str(path)]}" for path in drawings if path not in opened]
    pictures = [rendered(tools, work, mode, args.docs / "images", grids) for mode in MODES]
    text = page(rows, len(grids), f"{len(opened)} of {len(drawings)}", pictures)
    write_text(args.docs / "interop.md", text)
    print("\n".join(wrong) or "all as it should be")
    return bool(wrong)


def exported(work: Path, count: int) -> list[Path]:
    """Sample and export by the command line; give the files of the grids."""
    shutil.rmtree(work, ignore_errors=True)
    grids = work / "grids"
    for family in pretrained.names():
        words = ("sample", "--pretrained", family, "-n", str(count), "--format", "npz", "--seed", "4")
        voxgen(*words, "-o", str(grids / family))
    sources = sorted(grids.glob(f"*/*{SUFFIX}"))
    formats = ",".join(WRITABLE)
    for mode in MODES:
        voxgen("export", *map(str, sources), "-f", formats, "--as", mode, "-o", str(work / mode))
    voxgen("draw", *map(str, sources), "-f", "dxf", "-o", str(work / "drawings"))
    return sources


def voxgen(*words: str) -> None:
    """Run a command."""
    print("voxgen", words[0], "...", words[-1], flush=True)
    subprocess.run([sys.executable, "-m", "voxgen.cli", *words], check=True, stdout=subprocess.DEVNULL)


def truth_of(path: Path, mode: str) -> Truth:
    """What the files of a grid are to hold."""
    _, grid = read_grid(path)
    name = path.name.removesuffix(SUFFIX)
    model = prepared(name, grid, ExportSettings()).model
    assert model is not None, f"{path} is empty"
    if mode == "elements":
        with contextlib.suppress(DataError):  # given as a mass, then
            model = elements_of(model.solids[0].surface).model(name)
    return Truth.of(model)


def the_tools(tools: Path, work: Path) -> list[Tool]:
    """Give all tools; where they are installed says `install.sh`."""

    def script(name: str) -> Callable[[Sequence[Path]], Mapping[str, Found]]:
        return lambda paths: by_script(tools, work, name, paths)

    return [
        Tool("Blender", ("obj", "stl", "ply", "glb", "usd"), script("blender")),
        Tool("FreeCAD", ("step", "ifc4", "ifc2x3", "stl", "ply"), script("freecad")),
        Tool("QGIS", ("ply",), script("qgis")),
        Tool("assimp", ("obj", "stl", "ply", "glb", "3mf"), lambda paths: by_assimp(paths)),
        Tool("Khronos' validator", ("glb",), script("khronos")),
    ]


def by_script(tools: Path, work: Path, name: str, paths: Sequence[Path]) -> Mapping[str, Found]:
    """What a tool's own script finds in files."""
    out = work / f"{name}.json"
    out.unlink(missing_ok=True)
    commands = {
        "blender": [tools / "blender/bin/python", HERE / "in_blender.py", "measure"],
        "freecad": [tools / "freecad/bin/python", HERE / "in_freecad.py"],
        "qgis": ["/usr/bin/python3", HERE / "in_qgis.py"],
        "khronos": ["node", HERE / "in_khronos.mjs"],
    }
    words = [str(word) for word in (*commands[name], out, *paths)]
    environment = {**os.environ, "TOOLS": str(tools), "QT_QPA_PLATFORM": "offscreen"}
    # Tools have Python libraries of their own.
    environment.pop("PYTHONPATH", None)
    try:
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        return {str(path): {"error": f"no answer within {MOST_SECONDS} s"} for path in paths}
    if not out.exists():
        said = (done.stderr or done.stdout).strip().splitlines()[-3:]
        return {str(path): {"error": f"exit code {done.returncode}: {' / '.join(said)}"} for path in paths}
    return json.loads(out.read_text(encoding="utf-8"))


def by_assimp(paths: Sequence[Path]) -> Mapping[str, Found]:
    """What assimp's command says of files."""
    found: dict[str, Found] = {}
    for path in paths:
        done = subprocess.run(["assimp", "info", str(path)], capture_output=True, text=True, check=False)
        found[str(path)] = _said_by_assimp(done.stdout, path.suffix)
    return found


def _said_by_assimp(text: str, suffix: str) -> Found:
    ends = [re.search(rf"{end} point\s*\(([^)]*)\)", text) for end in ("Minimum", "Maximum")]
    if not all(ends):
        return {"error": " ".join(text.split())[-200:]}
    low, high = (np.array([float(v) for v in end[1].split()]) for end in ends if end)
    if suffix == ".glb":
        low, high = np.array([low[0], -high[2], low[1]]), np.array([high[0], -low[2], high[1]])
    if suffix == ".3mf":  # whose unit and names it does not read
        return {"low": (low / 1000).tolist(), "high": (high / 1000).tolist()}
    materials = re.findall(r"^    '([^']*)' \(", text, re.MULTILINE)
    nodes = text.partition("Node hierarchy:")[2]
    names = [re.sub(r"^\W*|\s+\(mesh.*$", "", line) for line in nodes.splitlines() if line.strip()]
    return {"low": low.tolist(), "high": high.tolist(), "materials": materials, "names": names}


def in_batches(
    read: Callable[[Sequence[Path]], Mapping[str, Found]], paths: Sequence[Path]
) -> dict[str, Found]:
    """Open files, some at a time."""
    found: dict[str, Found] = {}
    for first in range(0, len(paths), BATCH):
        found |= read(paths[first : first + BATCH])
    return found


def compared(
    tool: str, form: str, mode: str, files: Mapping[Path, Truth], found: Mapping[str, Found]
) -> tuple[list[str], list[str]]:
    """Give a row of the table, and what is wrong in words."""
    right = dict.fromkeys(CHECKS, 0)
    told = dict.fromkeys(CHECKS, 0)
    faults = []
    for path, truth in files.items():
        at = found[str(path)]
        unsaid, _ = UNSAID.get((tool, form, mode), ("", ""))
        for check, good in checked(at, truth, form, mode).items():
            if check == unsaid:
                continue
            told[check] += 1
            right[check] += good
            if not good:
                faults.append(f"{tool}, {form}, {mode}: {path.name}: {check}: {_short(at, check)}")
        if "error" in at:
            faults.append(f"{tool}, {form}, {mode}: {path.name}: {at['error']}")
        if at.get("issues"):
            faults.append(f"{tool}, {form}, {mode}: {path.name}: {at['messages']}")
    opened = sum("error" not in found[str(path)] and not found[str(path)].get("issues") for path in files)
    cells = [_cell(right[check], told[check]) for check in CHECKS]
    return [tool, form, mode, _cell(opened, len(files)), *cells], faults


def checked(found: Found, truth: Truth, form: str, mode: str) -> dict[str, bool]:
    """Which checks a file passes; only those of which the tool has something to say."""
    results: dict[str, bool] = {}
    if "low" in found:
        low, high = np.array(found["low"]), np.array(found["high"])
        extents, wanted = high - low, truth.high - truth.low
        results["size"] = bool(np.allclose(np.sort(extents), np.sort(wanted), atol=BOUNDS))
        results["up"] = bool(
            np.allclose(low, truth.low, atol=BOUNDS) and np.allclose(high, truth.high, atol=BOUNDS)
        )
    # STL and PLY have neither, and a solid of theirs is all that is in the file.
    soup = form in ("stl", "ply")
    if found.get("names") is not None and not soup:
        spelt = {_spelt(name) for name in truth.names}
        given = {_spelt(name) for name in found["names"]}
        results["names"] = spelt <= given or (mode == "mass" and given == {MASS})
    if found.get("materials") is not None and not soup:
        results["materials"] = truth.materials <= {_plain(name) for name in found["materials"]}
    if "closed" in found and not (soup and mode == "elements"):
        results["closed"] = bool(found["closed"])
    if "volume" in found:
        results["volume"] = abs(found["volume"] - truth.volume) <= VOLUME * truth.volume
    return results


def _spelt(name: str) -> str:
    """A name without what tools add (numbers of copies), and signs that not all allow as one."""
    return re.sub(r"\W", "_", re.sub(r"\.\d{3}$", "", name))


def _plain(name: str) -> str:
    return re.sub(r"\.\d{3}$", "", name)


def _short(found: Found, check: str) -> str:
    keys = ("low", "high") if check in ("size", "up") else (check,)
    return ", ".join(f"{key} {found.get(key)}" for key in keys)[:300]


def _cell(right: int, told: int) -> str:
    if not told:
        return "–"
    return "yes" if right == told else f"{right} of {told}"


def rendered(tools: Path, work: Path, mode: str, out: Path, grids: Sequence[Path]) -> Path:
    """Leave a sheet of buildings as Blender shows them."""
    step = max(1, len(grids) // SHOWN)
    tiles = []
    for path in grids[::step][:SHOWN]:
        source = work / mode / path.name.replace(SUFFIX, ".glb")
        tile = work / f"{source.stem}-{mode}.png"
        words = [tools / "blender/bin/python", HERE / "in_blender.py", "render", tile, source]
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        subprocess.run([*map(str, words)], env=environment, check=True, capture_output=True)
        tiles.append(Image.open(tile).convert("RGB"))
    width, height = tiles[0].size
    sheet = Image.new("RGB", (4 * width, (len(tiles) + 3) // 4 * height), "white")
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (i % 4 * width, i // 4 * height))
    path = out / f"interop-{mode}.png"
    save_png(sheet.quantize(128), path)
    return path


def page(rows: Sequence[Sequence[str]], count: int, drawings: str, pictures: Sequence[Path]) -> str:
    """Give the text of `docs/interop.md`."""
    head = ["tool", "format", "as", "opens", *CHECKS]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    limits = [
        f"- {tool}, {form} of {mode}: no {check}, {why}."
        for (tool, form, mode), (check, why) in UNSAID.items()
    ]
    mass, elements = (f"![{mode}](images/{path.name})" for mode, path in zip(MODES, pictures, strict=True))
    return f"""# Opened by design tools

`make test-tools` wrote this page. It samples the models that come with voxgen, exports {count} buildings by
the command line in every format, as masses and as elements, and lets tools open them: Blender 5.0.1;
FreeCAD, QGIS and assimp as Debian has them; Khronos' validator of glTF. `yes` means all files. A dash is
what a tool does not say, or a format does not hold.

- *size*, *up*: bounds within {1000 * BOUNDS:g} mm, in metres; and in the right order: Z up, on z = 0.
- *names*, *materials*: every solid's name, every class's material.
- *closed*: every solid is closed and 2-manifold, corners merged by position. Elements in STL or PLY are one
  soup, whose solids touch.
- *volume*: within {VOLUME:.0%}.
{chr(10).join(limits)}

{chr(10).join(lines)}

Drawings (`voxgen draw`), DXF in QGIS: {drawings} open with their layers. Rhino, Revit, SketchUp and ArchiCAD
are not run: they do not run here.

## As Blender shows them

Masses (GLB):

{mass}

Elements (GLB), of the same buildings:

{elements}
"""


if __name__ == "__main__":
    raise SystemExit(main())
