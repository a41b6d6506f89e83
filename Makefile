.DEFAULT_GOAL := help
PY := .venv/bin
.PHONY: help setup demo demo-clean dev check test test-fast test-openstack openstack-bed openstack-bed-down conformance faults openapi lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

setup: ## Python environment in .venv, pinned by hash
	@scripts/setup

demo: setup ## the main job on this machine: a real cluster with a workload; installs what it needs (COE=swarm or lxd for another tool)
	@scripts/ensure-docker
	@scripts/ensure-builder
	@$(PY)/jeroboam demo --coe $(or $(COE),kubernetes)

demo-clean: setup ## remove every trace of the demo
	@if command -v docker >/dev/null; then scripts/ensure-docker; fi
	@$(PY)/jeroboam demo clean

dev: setup ## API and conductor with fakes: no root, no Docker; a cluster completes in seconds
	@$(PY)/jeroboam up --provider fake --data .dev

check: setup ## format, lint, strict types, import layers
	@$(PY)/ruff format --check -q src tests bench examples
	@$(PY)/ruff check -q src tests bench examples
	@$(PY)/mypy
	@$(PY)/lint-imports --no-cache >.import-layers.log || { cat .import-layers.log; exit 1; }
	@echo "format, lint, types and import layers are fine"

test: setup ## all tests but those on OpenStack; installs and starts what they need (Docker, the node image, PostgreSQL's programs)
	@scripts/ensure-docker
	@scripts/ensure-builder
	@scripts/ensure-postgres
	@$(PY)/pytest -n 3 --no-loadscope-reorder --instafail --maxfail 12 --durations 30 --durations-min 20

test-fast: setup ## tests that need neither Docker nor PostgreSQL
	@$(PY)/pytest -m "not docker and not kubernetes and not postgresql"

test-openstack: setup ## tests on a real, small OpenStack, as root; brings it up if it is not (PROFILE=lxc: clusters on servers that boot; PROFILE=qemu: on virtual machines)
	@BED_PROFILE=$(or $(PROFILE),heat-fake) $(PY)/pytest -m openstack tests/openstack

openstack-bed: ## that OpenStack, up and checked, as root: tests/openstack/bed/README.md (PROFILE=lxc or qemu for servers that boot)
	@tests/openstack/bed/up.sh --check --profile $(or $(PROFILE),heat-fake)

openstack-bed-down: ## end it; its packages stay installed in the cache folder (ALL=1: those too)
	@tests/openstack/bed/down.sh $(if $(ALL),--all)

conformance: setup ## run every suite for every driver and provider, on real clusters too; write docs/conformance.md
	@scripts/ensure-docker
	@scripts/ensure-builder
	@$(PY)/pytest -m conformance --write-matrix

faults: setup ## write docs/faults.md from the faults that the tests bring about
	@$(PY)/python -m tests.faults.catalogue

openapi: setup ## write the OpenAPI documents of both APIs to docs/api
	@$(PY)/python -m jeroboam.api.openapi docs/api

lock: ## renew the lock files after a change of dependencies
	@for kind in "dev --group dev --extra openstack" "runtime"; do set -- $$kind; file=$$1; shift; \
	  uv pip compile pyproject.toml "$$@" --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    --python-version 3.11 --universal -q -o locks/$$file.txt || exit 1; done

clean: ## remove what the tools wrote into the checkout
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import-layers.log dist
