"""What Blender finds in files: run by the Python of its own environment.

python in_blender.py measure OUT.json FILE...
python in_blender.py render OUT.png FILE
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import bpy  # brings the others with it

# isort: split
import bmesh
from mathutils import Vector

IMPORTS = {
    ".obj": lambda path: bpy.ops.wm.obj_import(filepath=path, forward_axis="Y", up_axis="Z"),
    # Mending takes away faces where elements touch.
    ".stl": lambda path: bpy.ops.wm.stl_import(
        filepath=path, forward_axis="Y", up_axis="Z", use_mesh_validate=False
    ),
    ".ply": lambda path: bpy.ops.wm.ply_import(filepath=path, forward_axis="Y", up_axis="Z"),
    ".glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    ".usda": lambda path: bpy.ops.wm.usd_import(filepath=path),
}
SAMPLES, PIXELS = 32, 360


def opened(path: str) -> list[bpy.types.Object]:
    """Open a file in an empty scene, and give its meshes."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    IMPORTS[Path(path).suffix](path)
    bpy.context.view_layer.update()
    return [thing for thing in bpy.context.scene.objects if thing.type == "MESH"]


def measure(path: str) -> dict:
    """Give bounds, names, materials, whether solids are closed, and their volume, in metres."""
    things = opened(path)
    corners, volume, closed = [], 0.0, True
    for thing in things:
        mesh = bmesh.new()
        mesh.from_mesh(thing.data)
        mesh.transform(thing.matrix_world)
        corners += [tuple(vertex.co) for vertex in mesh.verts]
        volume += mesh.calc_volume(signed=True)
        # Corners that have several normals stand in the file once for each.
        bmesh.ops.remove_doubles(mesh, verts=mesh.verts, dist=1e-5)
        closed &= all(len(edge.link_faces) == 2 for edge in mesh.edges)
        mesh.free()
    slots = [slot for thing in things for slot in thing.material_slots]
    return {
        "low": [min(axis) for axis in zip(*corners, strict=True)],
        "high": [max(axis) for axis in zip(*corners, strict=True)],
        "names": [thing.name for thing in things],
        "materials": sorted({slot.material.name for slot in slots if slot.material}),
        "closed": closed,
        "volume": volume,
    }


def render(out: str, path: str) -> None:
    """Draw what a file holds, seen from above a corner, in sunlight."""
    things = opened(path)
    scene = bpy.context.scene
    points = [thing.matrix_world @ Vector(corner) for thing in things for corner in thing.bound_box]
    centre = sum(points, Vector()) / len(points)
    radius = max((point - centre).length for point in points)
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    away = Vector((0.8, -1.0, 0.75)).normalized()
    camera.location = centre + away * radius * 3.3
    camera.rotation_euler = away.to_track_quat("Z", "Y").to_euler()
    sun = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
    sun.data.energy, sun.data.angle = 2.4, 0.02
    sun.rotation_euler = (math.radians(48), math.radians(8), math.radians(20))
    ground = min(point.z for point in points)
    bpy.ops.mesh.primitive_plane_add(size=radius * 40, location=(centre.x, centre.y, ground - 0.01))
    table = bpy.data.materials.new("table")
    table.use_nodes = True
    table.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (0.55, 0.55, 0.53, 1.0)
    bpy.context.object.data.materials.append(table)
    for thing in (camera, sun):
        scene.collection.objects.link(thing)
    world = bpy.data.worlds.new("sky")
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs[0].default_value, background.inputs[1].default_value = (0.95, 0.97, 1.0, 1.0), 0.45
    scene.world, scene.camera = world, camera
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = SAMPLES, False
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = PIXELS
    scene.render.filepath = out
    bpy.ops.render.render(write_still=True)


def main() -> None:
    """Do what the first word says."""
    what, out, *paths = sys.argv[1:]
    if what == "render":
        render(out, *paths)
        return
    found = {}
    for path in paths:
        try:
            found[path] = measure(path)
        except Exception as failure:  # whatever the tool says is the finding
            found[path] = {"error": f"{type(failure).__name__}: {failure}"}
    Path(out).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
