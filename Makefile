PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
BACKENDS := .venv-backends
READERS := .venv-readers
INSTALLED := $(VENV)/.installed
PIP_INSTALL := pip install --quiet --disable-pip-version-check -c constraints.txt
READER_INSTALL := bin/pip install --quiet --disable-pip-version-check
JOBS ?= 2
VERSIONS ?= 3.11-2.20 3.12-2.20 3.13-2.20 3.11-2.21 3.13-2.21
ZOO_TESTS := tests/cells tests/layers tests/networks tests/weights tests/zoo
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help install run test test-slow readers test-backends test-browser \
  test-versions lint format clean

help:
	@echo "make run            the main job, on embedded data: six to seven minutes"
	@echo "make test           lint and tests"
	@echo "make test-slow      the tests that take minutes"
	@echo "make readers        MediaPipe and an old runtime, to open exports with"
	@echo "make test-backends  the zoo on JAX, and on torch where it installs"
	@echo "make test-browser   the exported page in Chromium; needs npm"
	@echo "make test-versions  the zoo on each Python and TensorFlow of VERSIONS"
	@echo "make format         let ruff format the code"
	@echo "make clean          remove environments, caches and runs"

install: $(INSTALLED)

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(PIP_INSTALL) -e '.[all,test]'
	touch $@

run: $(INSTALLED)
	$(BIN)/python -m nasnet_tf.quickstart --out=runs/quickstart

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

test-slow: $(INSTALLED) readers
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m slow

# Programs that open exported files, whose pins are not ours. tflite-runtime has
# no wheel for a Python after 3.11; where one is missing, its tests are skipped.
readers: $(READERS)/.installed

$(READERS)/.installed:
	$(PYTHON) -m venv $(READERS)/mediapipe
	$(READERS)/mediapipe/$(READER_INSTALL) mediapipe==1.2.3 \
	  || rm -r $(READERS)/mediapipe
	$(PYTHON) -m venv $(READERS)/tflite_runtime
	$(READERS)/tflite_runtime/$(READER_INSTALL) tflite-runtime==2.14.0 \
	  numpy==1.26.4 || rm -r $(READERS)/tflite_runtime
	touch $@

test-backends: setup.cfg constraints.txt
	$(PYTHON) -m venv $(BACKENDS)
	$(BACKENDS)/bin/$(PIP_INSTALL) -e . jax pytest
	-$(BACKENDS)/bin/$(PIP_INSTALL) torch
	$(BACKENDS)/bin/python -m pytest -m backends

# Needs npm, Chromium and its driver (Debian's chromium-driver).
test-browser: $(INSTALLED)
	$(BIN)/$(PIP_INSTALL) selenium
	npm install --silent --no-save --prefix $(VENV)/litert_js @litertjs/core@2.5.3
	LITERT_JS=$(VENV)/litert_js/node_modules \
	  $(BIN)/python -m pytest -m browser

# The zoo on those Pythons of VERSIONS (Python-TensorFlow) that are found, each
# in an environment of its own. TensorFlow 2.21 wants an h5py before the pinned.
test-versions: setup.cfg constraints.txt
	@set -e; for version in $(VERSIONS); do \
	  python=$$(command -v python$${version%-*}) || \
	    { echo "python$${version%-*}: not found"; continue; }; \
	  $$python -m venv .venv-$$version; \
	  grep -Ev '^(tensorflow|h5py)==' constraints.txt \
	    > .venv-$$version/constraints.txt; \
	  .venv-$$version/bin/pip install --quiet --disable-pip-version-check \
	    -c .venv-$$version/constraints.txt \
	    -e . pytest scikit-learn "tensorflow==$${version#*-}.*"; \
	  echo "Python-TensorFlow $$version:"; \
	  .venv-$$version/bin/python -m pytest -q $(ZOO_TESTS); \
	done

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(BACKENDS) $(READERS) runs build *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
