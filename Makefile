# How to work on Kabar Kota. `make` alone prints this list.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help install demo run test test-slow lint types imports format quality bench screenshots notebook audit soak lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/installed ## .venv with everything in exact versions

.venv/installed: requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kabar Kota needs Python 3.11 or later (make PYTHON=python3.12 …)")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

demo: install ## the whole job against sample portals, no network needed; on a terminal it then serves the page
	if [ -t 1 ]; then $(BIN)/kabarkota demo; else $(BIN)/kabarkota demo --once; fi

run: install ## one live cycle over the real sources
	$(BIN)/kabarkota run

test: install ## the tests, under five minutes
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: install ## batteries and crash loops
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "slow and not alone"
	$(BIN)/python -m pytest -m alone

lint: install ## ruff: style and mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install ## mypy, strict
	$(BIN)/mypy

imports: install ## the arrows between the packages
	$(BIN)/lint-imports

format: install ## puts the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

quality: install ## extraction, topics, places, spam, duplicates and stories against their pinned floors: they are raised, never lowered
	$(BIN)/python -m benchmarks.quality
	$(BIN)/python -m benchmarks.classification
	$(BIN)/python -m benchmarks.clusters

bench: .venv/peers ## CPU ratios against other tools, in three minutes (FULL=1: at scale, two hours)
ifdef FULL
	$(BIN)/python -m benchmarks.duplicates
	$(BIN)/python -m benchmarks.polling
	$(BIN)/python -m benchmarks.publishing
	$(BIN)/python -m benchmarks.pages
	-$(BIN)/python -m benchmarks.analysts --full --keep .venv/archives
endif
	$(BIN)/python -m benchmarks $(if $(FULL),--full --keep .venv/archives)

# --no-deps: what the peers need is pinned there, too; newspaper4k forbids a version that it works with
.venv/peers: .venv/installed requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-bench.txt
	touch $@

screenshots: install ## pictures of the demo's pages into docs/screenshots, on a phone and at a desk; needs Chromium
	$(BIN)/python tests/screenshots.py

notebook: install ## runs docs/analysis.ipynb anew over a fresh demo whose clock stands still, and keeps its pictures
	$(BIN)/python tests/notebook_room.py

audit: install ## known vulnerabilities of what is pinned; says so, and fails, where no advisories can be reached
	$(BIN)/python tests/audit.py

soak: install ## half an hour of `serve` over 300 portals with faults (MINUTES=5: shorter): is memory flat, does it leak?
	$(BIN)/python tests/soak.py --minutes $(or $(MINUTES),30)

lock: install ## resolves the pins again
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --group dev --extra analysis --extra cluster pyproject.toml -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header -c requirements-dev.txt pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header -c requirements-dev.txt --group build -o requirements-build.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header -c requirements-dev.txt --group bench -o requirements-bench.txt

clean: ## removes what was built
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
