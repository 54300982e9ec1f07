# Two commands: `make demo` shows what voxgen does, `make test` checks all it promises.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := demo

# Byte code is written where a module is first used: the rest of torch and open3d is never compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-tools lint types check clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)  ## procedural buildings -> training -> new buildings as OBJ and STL, with a contact sheet
	$(BIN)/voxgen data build massing:1500 -o $(DEMO)/houses --resolution 32 --pitch 0.75
	VOXGEN_RUNS=$(DEMO)/runs $(BIN)/voxgen train --model vae --data $(DEMO)/houses --name demo --minutes 3
	VOXGEN_RUNS=$(DEMO)/runs $(BIN)/voxgen sample demo -n 16 -o $(DEMO)/buildings --format obj,stl --seed 1
	@echo "data set: $(DEMO)/houses   run: $(DEMO)/runs/demo   OBJ, STL and contact sheet: $(DEMO)/buildings"

test: $(STAMP)  ## all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

TOOLS ?= build/tools
test-tools: $(STAMP)  ## exports opened by Blender, FreeCAD, QGIS, assimp and Khronos' validator: docs/interop.md
	bash tests/interop/tools/install.sh $(TOOLS)
	$(BIN)/python tests/interop/tools/run.py $(TOOLS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/pyright

check: lint types test

clean:
	rm -rf $(DEMO) build dist .pytest_cache .ruff_cache
