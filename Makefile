# Everything a developer or CI does. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
PYTHON := $(VENV)/bin/python
DEMO_TESTBED := album
FORGE ?= gitea
KUBERNETES ?= 1.31
PYTHON_VERSION ?= 3.13
TEST_TESTBED := album-test
export PYTHONPATH := operator:.

.PHONY: help
help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: requirements/dev.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --require-hashes -r requirements/dev.txt
	touch $@

.PHONY: setup
setup: $(VENV)/.installed ## Make .venv with the pinned, hashed requirements

.PHONY: demo
demo: setup ## The main job from nothing to Released; FORGE=gitea or github-standin; demo-down ends it
	TESTBED_NAME=$(DEMO_TESTBED) $(PYTHON) -m testbed.demo --forge '$(FORGE)'

.PHONY: demo-down
demo-down: setup ## Remove the demo and its testbed; only the cache stays
	TESTBED_NAME=$(DEMO_TESTBED) $(PYTHON) -m testbed down

# The pure packages are covered by their own tests; counting lines makes tests twice as slow.
COVERED = tests/unit/codec tests/unit/decisions tests/unit/domain tests/unit/render
# 10,000 generated cases, needed for no line.
PROPERTIES = tests/unit/render/test_yaml_properties.py

# The testbed's first `up` comes first, its `down` last; a folder after one of its files would take
# the file's place from it.
FIRST_UP = tests/testbed/test_testbed_first_up.py
ON_TESTBED = -m e2e $(FIRST_UP) tests/e2e tests/samples \
  $(filter-out $(FIRST_UP),$(wildcard tests/testbed/test_*.py))

# It compares times, which others beside it would change.
ALONE = tests/integration/manifests/neighbours

# By hand: a collector takes over four minutes of processor time to compile.
COLLECTOR = tests/collector

# What a run that took too long shows of itself.
SLOWEST = --durations=15 --durations-min=5

# Not beside the tests on a testbed: the load lets builds and kills fail that have nothing wrong.
# A file's tests go to one process, where its fixture finds the shared API server as it left it; as
# collected, for the file that takes longest is among the first.
BESIDE = --numprocesses=3 --dist=loadscope --no-loadscope-reorder

.PHONY: test
test: setup ## All tests: check, unit, contract, integration, end to end on a testbed of its own
	$(MAKE) --no-print-directory --jobs=2 --output-sync=line check tests-covered
	$(MAKE) --no-print-directory tests-beside tests-alone tests-on-testbed

.PHONY: tests-covered
tests-covered: setup ## The pure packages' own tests, which must reach each of their lines
	$(PYTHON) -m coverage erase
	$(PYTHON) -m coverage run -m pytest $(COVERED) --ignore=$(PROPERTIES)
	$(PYTHON) -m coverage report

.PHONY: tests-beside
tests-beside: setup ## All other tests that need no testbed, some beside each other
	$(PYTHON) -m pytest $(BESIDE) $(SLOWEST) -m 'not e2e' $(PROPERTIES) tests \
	  $(COVERED:%=--ignore=%) $(ALONE:%=--ignore=%) --ignore=$(COLLECTOR)

.PHONY: tests-alone
tests-alone: setup ## Ten releases beside a hostile namespace, on a real API server
	$(PYTHON) -m pytest $(ALONE)

.PHONY: test-collector
test-collector: setup ## The example of an OpenTelemetry Collector, run by a real one
	$(PYTHON) -m pytest $(COLLECTOR)

.PHONY: test-kubernetes
test-kubernetes: setup ## Integration tests on another Kubernetes: KUBERNETES=1.31 or 1.34
	TEST_KUBERNETES='$(KUBERNETES)' $(PYTHON) -m pytest tests/integration $(ALONE:%=--ignore=%)

# Beside the checkout, whose .venv has the image's Python. uv takes an interpreter that is there (on
# PATH, or its path as PYTHON_VERSION), else fetches one.
OTHER_VENV := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/album-release-operator/python-$(notdir $(PYTHON_VERSION))

.PHONY: test-python
test-python: setup ## Unit tests on another Python: PYTHON_VERSION=3.12, 3.13 or 3.14
	$(VENV)/bin/uv venv --quiet --clear --python '$(PYTHON_VERSION)' '$(OTHER_VENV)'
	$(VENV)/bin/uv pip sync --quiet --require-hashes --python '$(OTHER_VENV)' requirements/dev.txt
	'$(OTHER_VENV)/bin/python' -m pytest tests/unit

.PHONY: tests-on-testbed
tests-on-testbed: setup ## End to end, and the testbed's own tests; the testbed is taken down after
	status=0; TESTBED_NAME=$(TEST_TESTBED) $(PYTHON) -m pytest $(SLOWEST) $(ON_TESTBED) || status=$$?; \
	TESTBED_NAME=$(TEST_TESTBED) $(PYTHON) -m testbed down; exit $$status

.PHONY: unit
unit: setup ## Unit tests only: seconds, no testbed
	$(PYTHON) -m pytest tests/unit

.PHONY: check
check: setup ## Formatting, lint, types, import contracts, drift of CRDs, dashboard and chart
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	MYPYPATH=operator $(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PYTHON) -m album_operator.api.crd --check crds
	$(PYTHON) -m distribution.monitoring --check
	$(PYTHON) -m distribution.chart --check

.PHONY: format
format: setup ## Format the code and mend what ruff can
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

.PHONY: crds
crds: setup ## Generate crds/ from the models
	$(PYTHON) -m album_operator.api.crd crds

.PHONY: manifests
manifests: crds ## Generate the dashboard, and what the chart has from manifests/ and crds/
	$(PYTHON) -m distribution.monitoring
	$(PYTHON) -m distribution.chart

KUBECTL = kubectl
IMAGE = album-operator:0.1.0

.PHONY: install-yaml
install-yaml: ## All that is installed, as one file dist/install.yaml; IMAGE=registry.example.org/tools/album-operator:0.1.0
	mkdir -p dist
	$(KUBECTL) kustomize manifests/overlays/default | sed 's|album-operator:0.1.0$$|$(IMAGE)|' > dist/install.yaml

PIN = $(VENV)/bin/uv pip compile --quiet $(UPGRADE) --universal --generate-hashes --no-header \
  --no-emit-index-url --no-emit-find-links --python-version 3.11 pyproject.toml
UPGRADE = --upgrade

.PHONY: sbom
sbom: setup ## The image's Python packages as CycloneDX: dist/sbom.cdx.json
	mkdir -p dist
	$(PYTHON) -m distribution.sbom > dist/sbom.cdx.json

.PHONY: wheel
wheel: setup ## The command album as a wheel
	$(VENV)/bin/uv build --wheel --out-dir dist

.PHONY: archive
archive: ## The command album with Python in it, for this machine's platform, as krew takes it
	python3 -m venv build/archive
	build/archive/bin/pip install --quiet --require-hashes -r requirements/archive.txt
	build/archive/bin/python -m distribution.archive dist

.PHONY: requirements
requirements: setup ## Pin requirements/ anew from pyproject.toml
	$(PIN) --extra operator --extra traces --no-emit-package cel-expr-python -o requirements/operator.txt
	$(PIN) --extra operator --extra traces --group dev -o requirements/dev.txt
	$(PIN) --group archive --constraint requirements/dev.txt -o requirements/archive.txt

.PHONY: testbed-up
testbed-up: setup ## Start the testbed: kind, Argo CD, Gitea, a registry, the sample repositories
	$(PYTHON) -m testbed up

.PHONY: testbed-down
testbed-down: setup ## Stop the testbed; only the cache stays
	$(PYTHON) -m testbed down

.PHONY: testbed-purge
testbed-purge: setup ## Stop the testbed and remove the cache too
	$(PYTHON) -m testbed purge

.PHONY: testbed-env
testbed-env: ## Print export lines for KUBECONFIG, registry, forge URL and token
	@$(PYTHON) -m testbed env

.PHONY: bench
bench: setup ## Measure what a release costs; BENCH_ONLY=distance BENCH_SIZES=1000, see docs
	$(PYTHON) -m benchmarks

.PHONY: bench-purge
bench-purge: setup ## Remove the repositories that make bench generated
	$(PYTHON) -m benchmarks purge

.PHONY: clean
clean: ## Remove what checks and tests leave in the checkout
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov
