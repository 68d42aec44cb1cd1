# Two commands for a fresh machine: make demo, make test. Everything they call stands in the README too.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint slow web clean

demo: .venv/with-demo
	$(BIN)/graft demo

test: .venv/with-dev
	$(BIN)/pytest -n 2

slow: .venv/with-dev
	$(BIN)/pytest -n 2 -m slow

lint: .venv/with-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/with-%: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -c constraints.txt -e '.[$*]'
	touch $@

web: .venv/with-dev
	.venv/bin/python hatch_build.py
	cd web && (test -d node_modules || npm ci --no-audit --no-fund --ignore-scripts) && npm run lint && npm test

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
