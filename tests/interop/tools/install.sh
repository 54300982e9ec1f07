#!/usr/bin/env bash
# Installs the design tools that `make test-tools` opens exports with, each apart from voxgen's own libraries:
# FreeCAD, QGIS and assimp from Debian (as root), Blender's module from PyPI in an environment of its own,
# Khronos' glTF validator from npm, and for FreeCAD what it reads IFC with. What is there is left as it is.
#
#     bash install.sh FOLDER
set -euo pipefail
tools=$1
unset PYTHONPATH
mkdir -p "$tools"

packages=(freecad-python3 qgis python3-qgis assimp-utils npm)
missing=()
for package in "${packages[@]}"; do
  [ "$package" = npm ] && command -v npm >/dev/null && continue
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

# 5.0.1 is the last for Python 3.11.
if [ ! -e "$tools/blender/installed" ]; then
  python3.11 -m venv --clear "$tools/blender"
  "$tools/blender/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check 'bpy==5.0.1'
  touch "$tools/blender/installed"
fi

# For the system's Python, which FreeCAD's modules are made for.
if [ ! -e "$tools/freecad/installed" ]; then
  /usr/bin/python3 -m venv "$tools/freecad"
  "$tools/freecad/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check 'ifcopenshell==0.8.1'
  touch "$tools/freecad/installed"
fi

if [ ! -d "$tools/node_modules/gltf-validator" ]; then
  npm install --silent --no-audit --no-fund --prefix "$tools" gltf-validator@2.0.0-dev.3.10
fi
