# make demo              the tour in JupyterLab
# make demo HEADLESS=1   the tour run without a browser, written to tour.html
# make test              everything that a change must pass: lint, types, documentation, all tests, all notebooks
# make quick             lint, types and the fast tests, in less than a minute
# make docs              the documentation, into build/docs
# make bench             the benchmarks, as a table
# make clean             remove what the others wrote, but not the virtual environment and node_modules
#
# PYTHON=python3.13 chooses the Python of a new .venv. Which build of PyTorch goes into it is pip's choice, or yours:
# set PIP_EXTRA_INDEX_URL to PyTorch's own index for the build you want, or install torch into .venv beforehand.
# The widgets' JavaScript is checked where there is Node 20 or later; NODE=none leaves that out.

PYTHON ?= python3
OUTPUT ?= tour.html
BIN := .venv/bin
NODE ?= node
JAVASCRIPT := tools/js
HEADLESS_OPTIONS := $(if $(filter-out 0,$(HEADLESS)),--headless --output $(OUTPUT))

.DEFAULT_GOAL := help
.PHONY: help demo test quick docs bench lint types javascript browser clean

help:
	@sed -n 's/^# make/make/p' Makefile

demo: .venv/demo-installed
	$(BIN)/zfwidgets demo $(HEADLESS_OPTIONS)

# Small tensors are fastest on one thread, so tests are run beside each other: with a browser, two files of them at most.
# The notebooks are in the middle by name, so that the longest file is not the last.
test: lint types docs browser
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --maxprocesses=8 --dist worksteal -m "not browser" tests
	ZFWIDGETS_REQUIRE_BROWSER=1 OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder tests/browser

# What is left out is not imported either.
quick: lint types
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -m "not slow and not browser" --ignore=tests/browser \
	  -n auto --maxprocesses=4 --dist worksteal

# From scratch, without a network connection; a warning is an error, and so is a class that a signature names and no page.
docs: .venv/test-installed
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --nitpicky --fresh-env -q -d build/doctrees docs build/docs

bench: .venv/test-installed
	$(BIN)/python -m tests.benchmarks.run

lint: .venv/test-installed javascript
	$(BIN)/ruff check
	$(BIN)/ruff format --check

javascript:
	@if command -v npm >/dev/null && $(NODE) -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then \
	  $(MAKE) --no-print-directory $(JAVASCRIPT)/node_modules/installed \
	  && $(JAVASCRIPT)/node_modules/.bin/tsc --project $(JAVASCRIPT) \
	  && $(JAVASCRIPT)/node_modules/.bin/eslint --config $(JAVASCRIPT)/eslint.config.js zfwidgets \
	  && echo "JavaScript: all checks passed"; \
	else echo "JavaScript is not checked: there is no Node 20 or later, or no npm"; fi

types: .venv/test-installed
	$(BIN)/mypy

# A browser for the tests: the one named, one on the path, Playwright's own, or a new one.
browser: .venv/test-installed
	@if [ -n "$$ZFWIDGETS_BROWSER" ] || command -v chromium || command -v google-chrome; then exit 0; fi; \
	if [ -x "$$($(BIN)/python -c '$(PLAYWRIGHTS_OWN)')" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-dejavu-core; then exit 0; fi; \
	$(BIN)/python -m playwright install chromium

define PLAYWRIGHTS_OWN
from playwright.sync_api import sync_playwright as start; \
p = start().start(); print(p.chromium.executable_path); p.stop()
endef

# Installed again only when pyproject.toml has changed.
.venv/demo-installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[demo]'
	@touch $@

.venv/test-installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[test]'
	@touch $@ .venv/demo-installed

$(JAVASCRIPT)/node_modules/installed: $(JAVASCRIPT)/package.json $(JAVASCRIPT)/package-lock.json
	npm --prefix $(JAVASCRIPT) ci --no-audit --no-fund
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

clean:
	rm -rf build dist docs/api docs/notebooks .mypy_cache .pytest_cache .ruff_cache tour.html
	find zfwidgets tests scripts notebooks -name __pycache__ -prune -exec rm -rf {} +
	find notebooks -name .ipynb_checkpoints -prune -exec rm -rf {} +
