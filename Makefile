# The front door. Every target is enough on a fresh Debian 12: it installs what is missing (and says so first), builds, and runs.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
S := tests/scripts
# How many compilers at once; one needs up to 1.5 GiB of memory.
export JOBS ?=

.PHONY: help build shipped demo test test-release test-chart test-contract test-docs test-image tsan fuzz bench metrics-page format tidy image clean

help:     ## what there is to do (this list)
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*##/ { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build:    ## the programs, optimised, into build/release/bin
	@$(S)/install-packages build
	@$(S)/build release onboarding-gateway podero-simulator
	@tests/toolchain/hardening build/release/bin/onboarding-gateway build/release/bin/podero-simulator

shipped:  ## the programs as they are shipped, into build/shipped/bin: built twice, the second time by a profile of what ran
	@$(S)/install-packages shipped
	@$(S)/ship
	@tests/toolchain/hardening build/shipped/bin/onboarding-gateway build/shipped/bin/podero-simulator

demo: build    ## create an onboarding session against the simulator and stay up to be tried; ONCE=1 ends after the exchange
	@$(S)/demo build/release/bin

test:     ## every test, with AddressSanitizer and UndefinedBehaviorSanitizer
	@$(S)/install-packages test
	@$(S)/build debug
	@$(S)/run-tests debug

test-release: shipped  ## what only the release programs can show: memory over a thousand reloads
	@$(S)/install-packages chart
	@tests/release/run

test-chart: shipped    ## the Helm chart with helm 3 and 4, and a rolling replacement under load
	@$(S)/install-packages chart
	@tests/chart/run check
	@tests/chart/run replace

test-contract: shipped  ## the contract: linters, Prism, the answers of `make test`, requests made from it (REQUESTS=10000 of each seed)
	@$(S)/install-packages contract
	@[ -d build/debug/recorded ] || $(MAKE) test
	@tests/contract/run

test-docs: shipped    ## runs the snippets of docs/, as they stand
	@$(S)/install-packages chart
	@tests/people/run

test-image: shipped    ## builds the images for real, and runs them as a cluster does
	@$(S)/install-packages image
	@tests/chart/run image

image:    ## the images of gateway, simulator and `helm test`, with docker, podman or buildah
	@$(S)/image

tsan:     ## the same with ThreadSanitizer
	@$(S)/install-packages test
	@$(S)/build tsan
	@$(S)/run-tests tsan

fuzz:     ## a minute of each fuzz target, reported in tests/fuzz/REPORT.md; FUZZ_SECONDS=N, FUZZ_RUNS=N executions, TARGET=one
	@$(S)/install-packages test
	@$(S)/build fuzz fuzz_programs
	@$(S)/fuzz $(TARGET)

bench:    ## what a decision of the limiter, a request, and logs and metrics cost; callers beside 5,000 slow connections (QUICK=1 is shorter)
	@$(S)/install-packages bench
	@$(S)/ship
	@$(S)/build release onboarding-gateway podero-simulator onboarding-gateway-uncounted bench_limiter bench_request bench_instructions bench_attack bench_floor
	@build/release/bench/bench_limiter --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
	@build/release/bench/bench_request --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
	@bench/instructions/run build/release/bench/bench_instructions
	@bench/run build/shipped/bin
	@bench/slow/run build/shipped/bin build/release/bench/bench_attack
	@bench/observability build/release/bin build/release/bench/onboarding-gateway-uncounted
	@node bench/peers/scale.mjs build/shipped/bin build/results
	@node bench/peers/run.mjs build/shipped/bin build/release/bench/bench_floor build/results

metrics-page:  ## docs/metrics.md, from the code
	@$(S)/install-packages build
	@$(S)/build release metrics-page
	@mkdir -p docs
	@build/release/docs/metrics-page >docs/metrics.md

format:   ## puts every C++ file into shape
	@$(S)/install-packages test
	@$(S)/format --fix

tidy:     ## clang-tidy over service/; CHANGED=main looks only at what differs from that commit
	@$(S)/install-packages tidy
	@$(S)/tidy $(CHANGED)

clean:    ## removes build/
	@rm -rf build
