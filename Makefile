# The front door. meson.build is the build; docs/architecture.md is the map.
# Variables: BUILD (folder), OUT, KEYS, CACHE and so on as ASHLAR_OUT ... (ashlar build --help).

BUILD ?= build
ASHLAR = $(BUILD)/ashlar

all: $(BUILD)/build.ninja
	@ninja --quiet -C $(BUILD)
	@ln -sfn $(BUILD)/compile_commands.json compile_commands.json

# Everything from nothing: what the build needs, the program, keys, the image.
image: dependencies
	@$(MAKE) --no-print-directory all
	@test -e "$${ASHLAR_KEYS:-keys}/enrol/db.auth" || $(ASHLAR) key generate
	$(ASHLAR) build server

# Every test, the boot of the image included.
check: dependencies-check
	@tools/check

dependencies:
	@tools/install-dependencies image

dependencies-check:
	@tools/install-dependencies check

$(BUILD)/build.ninja: | meson.build
	@meson setup $(BUILD) >/dev/null

lint: dependencies-check
	@tools/lint

asan: dependencies-check
	@tools/check test/unit/sanitized.sh

# Hours; docs/reliability.md.
campaign: dependencies-check
	@tools/campaign

bench: dependencies-check all
	@bench/bench.py

clean:
	rm -rf $(BUILD) build-analyzer build-gcc build-clang out compile_commands.json

.PHONY: all image check dependencies dependencies-check lint asan campaign bench clean
