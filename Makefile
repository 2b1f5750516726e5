# Perigee. `make help` lists what there is; `make run` and `make test` are all that most people need.

SWIFT ?= swift
# Release and test builds have folders of their own, so that one does not wait for, or undo, the other.
RELEASE_BUILD = .build-release
# With Swift's own libraries linked in, the program runs where no Swift is installed, and takes 5 MiB less memory.
RELEASE = $(SWIFT) build --configuration release --scratch-path $(RELEASE_BUILD) --static-swift-stdlib
PERIGEE = $(RELEASE_BUILD)/release/perigee
RUN_HOME ?= .build-home

.DEFAULT_GOAL := help
.PHONY: help setup build run demo demo-mirror test lint format bench fuzz sdk model chaos faults

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install the Debian packages that are missing; asks for root only then
	@.ci/setup

build: setup ## Build the program, in the release configuration
	@echo "Building Perigee (release); the first time takes some minutes."
	@$(RELEASE) --product perigee
	@$(RELEASE) --product perigee-hook

run: build ## Run a node in the foreground; RUN_HOME=DIR and ARGS="--property key=value" to choose
	@echo "Starting a node on $(RUN_HOME); Ctrl-C stops it."
	@exec $(PERIGEE) serve --home $(RUN_HOME) $(ARGS)

demo: build ## Show in a minute what Perigee does, on a node in a temporary home
	@.ci/demo $(PERIGEE)

demo-mirror: build ## Show a primary and a mirror farm of two behind HAProxy, one of which is killed
	@.ci/demo-mirror $(PERIGEE)

test: lint ## Check the style, build (debug), run all tests
	@echo "Checking the C that hosts Lua, under the address and undefined-behaviour sanitizers."
	@.ci/check-c
	@echo "Building and running all tests (debug); the first time takes some minutes."
	@$(SWIFT) build --build-tests
	@# One by one: the tests within the process share its few threads, and some of them wait for a child.
	@SWIFT="$(SWIFT)" .ci/swift-test --skip-build --no-parallel --skip EndToEndTests
	@# Side by side, six at a time: each waits for a node, which is a process of its own.
	@SWIFT="$(SWIFT)" .ci/swift-test --skip-build --experimental-maximum-parallelization-width 6 --filter EndToEndTests
	@.ci/check-sdk

lint: setup ## Check format, Lua and the rules of CONTRIBUTING.md
	@echo "Checking the format of Swift."
	@$(SWIFT) format lint --strict --recursive --parallel Sources Tests Package.swift
	@echo "Checking Lua."
	@luacheck --quiet plugins sdk Tests/EndToEndTests/fixtures

format: ## Format the Swift files in place
	@$(SWIFT) format --in-place --recursive --parallel Sources Tests Package.swift

bench: build ## Compare with other servers, with stock Lua, and with the targets; an hour and a half
	@.ci/setup bench
	@missed=""; \
	for suite in git-http git-ssh push-fairness mirroring status; do \
	    echo "== $$suite"; Benchmarks/$$suite/run --perigee $(PERIGEE) || missed="$$missed $$suite"; \
	done; \
	for suite in lua-host-call lua-programs lua-fairness cluster-caches cluster-executor \
	    cluster-jobs cluster-locks; do \
	    echo "== $$suite"; Benchmarks/$$suite/run.sh || missed="$$missed $$suite"; \
	done; \
	test -z "$$missed" || { echo "bench: targets missed:$$missed" >&2; exit 1; }

fuzz: setup ## Feed generated input to the pattern matcher, the codec and JSON; 10 million each, or EXECUTIONS=...
	@.ci/setup fuzz
	@.ci/fuzz $(EXECUTIONS)

sdk: ## Write sdk/types and sdk/reference from the host API's declarations
	@$(SWIFT) run perigee sdk generate --output sdk

model: ## Check the model of leases, fences and failover with spin; some minutes
	@.ci/setup model
	@Tests/Model/run

chaos: setup ## Let faults happen to three nodes at random and check what they did; SECONDS=600, SEED=N repeats a run
	@$(SWIFT) build --build-tests
	@PERIGEE_CHAOS_SECONDS=$(or $(SECONDS),600) PERIGEE_CHAOS_SEED=$(SEED) \
	    $(SWIFT) test --skip-build --filter 'ChaosTests/'

faults: setup ## The same faults one by one, and for longer than in the tests; some ten minutes
	@$(SWIFT) build --build-tests
	@PERIGEE_FREEZE_SECONDS=$(or $(FREEZE),60) PERIGEE_BYSTANDER_SECONDS=$(or $(BYSTANDER),180) \
	    PERIGEE_TAKEOVERS=$(or $(TAKEOVERS),20) $(SWIFT) test --skip-build --no-parallel \
	    --filter 'EndToEndTests.(ClusterFaultSuite|ClockJumpTests|DatabaseClockTests|FailoverTests)'
