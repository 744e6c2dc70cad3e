# make demo   sentences from a freshly trained GAN, with scores, in under ten minutes
# make test   tests, lint and types

PYTHON ?= python3
VENV := .venv
BGAN := $(abspath $(VENV))/bin/bgan-text
INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint clean

demo: $(VENV)/installed
	mkdir -p demo
	cd demo && $(BGAN) prepare grammar --overwrite
	cd demo && rm -rf runs/demo && $(BGAN) train --divergence js --minutes 4.8 --run runs/demo
	cd demo && $(BGAN) sample runs/demo --n 3
	cd demo && $(BGAN) score runs/demo

test: $(VENV)/installed-test lint
	$(VENV)/bin/python -m pytest --numprocesses auto --dist loadscope

# Types are checked in what ships, since only the installed package has cli and corpora inside bgan_text.
lint: $(VENV)/installed-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	rm -rf build
	$(INSTALL) --no-deps --target build/installed .
	test ! -e build/installed/cli && test ! -e build/installed/corpora
	cd build/installed && ../../$(VENV)/bin/mypy --config-file ../../pyproject.toml --package bgan_text

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) --editable .
	touch $@

$(VENV)/installed-test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) --editable ".[test]"
	touch $(VENV)/installed $@

clean:
	rm -rf $(VENV) demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
