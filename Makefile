# make demo         sentences from a freshly trained GAN, with scores, in under ten minutes
# make test         lint and every test
# make lint         style, types and import rules
# make docs         the site of the documents in site/, which is read from disk, without a server or a network
# make wheel-test   the wheel in a fresh environment, as a stranger installs it
# make faults       kills, full disks, damaged and hostile files, random command lines: about an hour
# make bench        speeds beside a literal step, the machine's matrix product, SentencePiece and nltk: five minutes
# make audit        known vulnerabilities of the tested versions, and the licences of all dependencies

PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
EXE := .exe
else
BIN := $(VENV)/bin
EXE :=
endif
BGAN := $(abspath $(BIN))/bgan-text
# Modules are compiled when they are first imported: most never are. Where Python may not write what it compiled, every
# command of the tests would compile torch again.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint style types imports installed-copy docs wheel-test faults bench audit clean

demo: $(VENV)/installed
	mkdir -p demo
	cd demo && $(BGAN) prepare grammar --overwrite
	cd demo && rm -rf runs/demo && $(BGAN) train --divergence js --minutes 4.8 --run runs/demo
	cd demo && $(BGAN) sample runs/demo --n 3
	cd demo && $(BGAN) score runs/demo

test: $(VENV)/installed-test lint
	$(BIN)/python -m pytest --numprocesses auto --dist loadscope

lint: style types imports

style: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Only the installed package has cli and corpora inside bgan_text, so types and imports are checked there.
types: installed-copy
	cd build/installed && $(abspath $(BIN))/mypy --config-file ../../pyproject.toml --package bgan_text

imports: installed-copy
	cd build/installed && $(abspath $(BIN))/lint-imports ../../pyproject.toml

# build/ is removed first: setuptools would put files deleted since into the copy.
installed-copy: $(VENV)/installed-test
	rm -rf build
	$(INSTALL) --no-deps --target build/installed .
	test ! -e build/installed/cli && test ! -e build/installed/corpora

# The notice is advertising for the successor of MkDocs.
docs: $(VENV)/installed-test
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "Open $(CURDIR)/site/index.html in a browser."

wheel-test:
	PYTHON=$(PYTHON) bash .ci/wheel-test

faults: $(VENV)/installed-test
	PYTHONPATH=tests $(BIN)/python -m faults --long

bench: $(VENV)/installed-test
	$(BIN)/python benchmarks/table.py

audit: $(VENV)/installed-test
	PYTHON=$(PYTHON) bash .ci/audit $(abspath $(BIN))/python

$(BIN)/python$(EXE):
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python$(EXE)
	$(INSTALL) --editable .
	touch $@

$(VENV)/installed-test: pyproject.toml constraints.txt | $(BIN)/python$(EXE)
	$(INSTALL) --editable ".[test]"
	$(INSTALL) --no-deps torch-fidelity # its torchvision is not needed, and must be of the same build as torch
	touch $(VENV)/installed $@

clean:
	rm -rf $(VENV) demo build site *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
