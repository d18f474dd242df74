# Meson builds what is installed; this file is the short way in. `make help` lists what there is.

BUILD ?= build
VENV := $(BUILD)/venv
# The pkg-config of the Python environment does not know the system's libraries.
WITH_TOOLS := PKG_CONFIG="$${PKG_CONFIG:-$$(command -v pkg-config || echo pkg-config)}" PATH="$(abspath $(VENV))/bin:$$PATH"
MESON := $(WITH_TOOLS) meson
MESON_FLAGS ?=

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | column -t -s '|' 2>/dev/null \
		|| sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1: \2/p' $(firstword $(MAKEFILE_LIST))

# An environment with what the first prerequisite lists.
define MAKE_VENV
python3 -m venv --clear $(@D)
$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
touch $@
endef

# Each time, because tools may have been removed or changed since the last time.
.PHONY: tools
tools:
	@scripts/check-tools.sh

.PHONY: python
python:
	@scripts/check-tools.sh python

# Meson and ninja of known versions, from PyPI into the build folder.
$(VENV)/.ready: scripts/requirements.txt | tools
	$(MAKE_VENV)

BUILD_FILES := $(BUILD)/provider/build.ninja $(BUILD)/host/build.ninja
$(BUILD_FILES): | $(VENV)/.ready
	@echo "preparing $(@D)"
	@$(MESON) setup $(@D) . --prefix /usr -Derror-api=$(notdir $(@D)) $(MESON_FLAGS) > $(@D)-setup.log 2>&1 \
		|| { cat $(@D)-setup.log; exit 1; }

.PHONY: build
build: $(BUILD_FILES) ## both libraries, in both link modes
	$(MESON) compile -C $(BUILD)/provider
	$(MESON) compile -C $(BUILD)/host

DEMO = libqemu_fork.a $(addprefix examples/,exec-channel exec-channel-fork run-held spawn-peers)

.PHONY: demo
demo: $(BUILD)/provider/build.ninja ## see what it does, on something real
	@$(VENV)/bin/ninja -C $(BUILD)/provider $(DEMO) > $(BUILD)/demo.log 2>&1 || { cat $(BUILD)/demo.log; exit 1; }
	@$(BUILD)/provider/examples/exec-channel-fork
	@echo
	@$(BUILD)/provider/examples/spawn-peers
	@echo
	@$(BUILD)/provider/examples/run-held
	@echo
	@$(BUILD)/provider/examples/exec-channel $(BUILD)/provider/libqemu_fork.a

.PHONY: check
check: $(BUILD_FILES) ## every test that needs no other platform, and the quick form of the proof; or some PARTS of it, some RUST_TESTS
	@$(WITH_TOOLS) scripts/check.py $(if $(RUST_TESTS),--rust "$(RUST_TESTS)") $(BUILD) $(PARTS)

.PHONY: test
test: $(BUILD_FILES) ## one test: make test T=NAME, of a C test, a Rust test or a part of the proof; without T their names
	@$(WITH_TOOLS) scripts/run-test.py $(BUILD) $(T)

.PHONY: lint
lint: ## formatting, clippy and the manual, with warnings denied
	cargo fmt --check
	cargo clippy --locked --workspace --exclude qemu-fork-abi --all-targets -- -D warnings
	cargo clippy --locked --package qemu-fork-capi --all-targets --features host-error -- -D warnings
	cargo clippy --locked --package qemu-fork-capi --lib --no-default-features --features capi -- -D warnings
	scripts/lint-manual.sh

# Checked first, because it needs no download.
.PHONY: mandoc
mandoc:
	@scripts/install-packages.sh mandoc mandoc

# Sphinx, into an environment of its own.
$(BUILD)/docs-venv/.ready: docs/sphinx/requirements.txt | python mandoc
	$(MAKE_VENV)

SPHINX = PYTHONDONTWRITEBYTECODE=1 $(BUILD)/docs-venv/bin/python -m sphinx \
	--fail-on-warning --keep-going --nitpicky --quiet

.PHONY: docs
docs: $(BUILD)/docs-venv/.ready ## the guide and the manual as web pages, in build/docs
	rm -rf $(BUILD)/docs
	$(SPHINX) -b html -E -d $(BUILD)/docs-cache docs $(BUILD)/docs
	@echo "made $(BUILD)/docs/index.html"

# Without them tests and the bench say so, so a failure is not an error here.
.PHONY: glib-and-libuv
glib-and-libuv:
	-@pkg-config --exists glib-2.0 libuv \
		|| scripts/install-packages.sh 'GLib and libuv' pkg-config libglib2.0-dev libuv1-dev

.PHONY: check-docs
check-docs: build docs glib-and-libuv ## the guide: warnings, links, the manual; all its programs are compiled and run
	scripts/check-links.py $(BUILD)/docs README.md CHANGELOG.md CONTRIBUTING.md tests/README.md $$(find docs -name '*.md')
	scripts/lint-manual.sh
	$(MESON) setup --reconfigure $(BUILD)/provider > $(BUILD)/docs-setup.log || { cat $(BUILD)/docs-setup.log; exit 1; }
	$(MESON) test -C $(BUILD)/provider --print-errorlogs --suite docs --suite examples
	$(MESON) test -C $(BUILD)/host --print-errorlogs --suite docs
	QEMU_FORK_BUILD=$(abspath $(BUILD)) cargo test --locked --package qemu-fork --test documents --test names

.PHONY: proof
proof: build ## the tests of docs/proof.md: a table of experiments, an hour; PARTS=… for some only
	@# Without a tool the table says which parts are skipped, so a failure is not an error here.
	-@scripts/install-packages.sh clang-19 clang-19 libclang-rt-19-dev
	-@scripts/install-packages.sh valgrind valgrind
	tests/proof/run.py --build $(BUILD) $(PARTS)

.PHONY: proof-quick
proof-quick: build ## the same with fewer experiments, a quarter of an hour
	tests/proof/run.py --quick --build $(BUILD) $(PARTS)

SOAK = c-tests/spawn-soak-shared-pie

.PHONY: soak
soak: $(BUILD)/provider/build.ninja ## sixteen threads spawn for ten minutes while others change the process; or SECONDS=30
	$(VENV)/bin/ninja -C $(BUILD)/provider $(SOAK) > $(BUILD)/soak.log 2>&1 || { cat $(BUILD)/soak.log; exit 1; }
	QEMU_FORK_SOAK_SECONDS=$(or $(SECONDS),600) LD_LIBRARY_PATH=$(abspath $(BUILD)/provider) $(BUILD)/provider/$(SOAK)

# Downloads are kept outside the source tree, in QEMU_FORK_CACHE, or qemu-fork below the user's cache folder.
# Under twenty minutes on two processors the first time, under ten afterwards.
PLATFORMS = $(WITH_TOOLS) scripts/check-platforms.py --build $(BUILD)/platforms

.PHONY: check-windows
check-windows: $(VENV)/.ready ## the Windows library, built by mingw-w64 and run under wine
	$(PLATFORMS) x86_64-windows

.PHONY: check-platforms
check-platforms: $(VENV)/.ready ## all platforms, or one: make check-platforms ROW=aarch64
	$(PLATFORMS) --table $(BUILD)/platforms.txt $(ROW)

.PHONY: check-kernels
check-kernels: $(BUILD)/provider/build.ninja ## the C tests on Debian's kernels in an emulator, or on some: make check-kernels KERNEL="5.10 7.2" TEST=spawn-far
	$(WITH_TOOLS) scripts/check-kernels.py --build $(BUILD)/provider --work $(BUILD)/kernels --table $(BUILD)/kernels.txt \
		$(if $(TEST),--test "$(TEST)") $(KERNEL)

.PHONY: check-distributions
check-distributions: ## demo and check on a fresh Debian 12, 13 and unstable; or one: ROOT=trixie, ROOT=sid-clang
	scripts/check-distributions.py --build $(BUILD)/distributions --table $(BUILD)/distributions.txt $(ROOT)

.PHONY: check-languages
check-languages: $(BUILD)/provider/build.ninja ## the examples in other languages, or one: make check-languages LANGUAGE=go
	$(VENV)/bin/ninja -C $(BUILD)/provider
	PATH="$(abspath $(VENV))/bin:$$PATH" scripts/check-languages.py --build $(BUILD)/languages --library $(BUILD)/provider \
		--pkg-config $(abspath $(VENV))/bin/pkgconf $(LANGUAGE)

.PHONY: check-packages
check-packages: build ## what is published: source archive, crate, installed files, ABI, Debian package in a fresh Debian
	PATH="$(abspath $(VENV))/bin:$$PATH" scripts/check-packages.py --build $(BUILD) --pkg-config $(abspath $(VENV))/bin/pkgconf

.PHONY: check-qemu
check-qemu: $(BUILD)/host/build.ninja ## QEMU 5.2 and 7.2 with the library, built and used as the guide says; or one: make check-qemu ROW=5.2-shared
	$(MESON) compile -C $(BUILD)/host qemu_fork_host:shared_library qemu_fork_host:static_library
	PATH="$(abspath $(VENV))/bin:$$PATH" scripts/check-qemu.py --build $(BUILD) --work $(BUILD)/qemu \
		--table $(BUILD)/qemu.txt $(ROW)

# matplotlib of a known version, for the plots.
BENCH_VENV := $(BUILD)/bench-venv
$(BENCH_VENV)/.ready: benches/requirements.txt | python
	$(MAKE_VENV)

# Without it there are no plots, and the report says so.
.PHONY: bench-plots
bench-plots:
	-@$(MAKE) --no-print-directory $(BENCH_VENV)/.ready

.PHONY: bench
bench: build glib-and-libuv bench-plots ## a comparison with the alternatives, with plots; twenty minutes
	benches/bench.py --build $(BUILD)

.PHONY: bench-check
bench-check: build ## the goals of speed: three minutes
	benches/bench.py --quick --build $(BUILD)

# What check-languages builds, and what this measures then, are the same files.
.PHONY: bench-languages
bench-languages: ## run() of the bindings beside subprocess.run(), child_process and os/exec; some minutes
	$(MAKE) --no-print-directory check-languages LANGUAGE="go node"
	benches/languages/measure.py --build $(BUILD)

.PHONY: bench-reference
bench-reference: ## copy the tables and plots of the last make bench, and of bench-languages, to docs/
	benches/bench.py --reference --build $(BUILD)

.PHONY: header
header: ## make include/qemu-fork.h anew from src/ffi
	QEMU_FORK_WRITE_HEADER=1 cargo test --quiet --locked --package qemu-fork-capi --test header

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD)
	cargo clean
