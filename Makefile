# SPDX-License-Identifier: GPL-2.0-or-later
# prefpeer: `make help` lists the targets.

VERSION := 0.1.0
KVER    ?= $(shell uname -r)
KDIR    ?= /lib/modules/$(KVER)/build
B       ?= build
# Kernels whose headers are installed; `make modules-all` builds for each.
KERNELS := $(sort $(patsubst /lib/modules/%/build,%,$(wildcard /lib/modules/*/build)))
# Only who built the kernel has its key.
UNSIGNED = $(if $(wildcard $(KDIR)/certs/signing_key.pem),,CONFIG_MODULE_SIG_ALL=)
KSRC    := Kbuild $(shell find kmod uapi -type f -not -name '*.o' -not -name '*.cmd' -not -name '*.mod*' 2>/dev/null)

KERNELS_DEBUG ?= debug-6.1 debug-6.12 kcsan-6.12
TESTS_KERNEL := $(sort $(patsubst selftests/%.sh,%,$(wildcard selftests/kmod_*.sh))) spd_kernel cli_module

DESTDIR ?=
PREFIX  ?= /usr

.PHONY: all userspace modules modules-all check check-debug check-unit check-unit-asan fuzz demo bench soak lint \
	install uninstall modules_install modules_uninstall clean help FORCE
.DEFAULT_GOAL := all

all: userspace modules ## userspace, and the module for KDIR (the running kernel)

userspace: ## build/prefpeerd and build/prefpeer
	$(MAKE) -C userspace B=$(abspath $(B)) VERSION=$(VERSION)

modules: ## prefpeer.ko for KDIR= (default: the running kernel)
	$(call build_module,$(KDIR),$(B)/kmod-$(KVER))

modules-all: $(KERNELS:%=module-%) $(KERNELS:%=testmod-%) ## prefpeer.ko for every kernel whose headers are installed
	@test -n "$(KERNELS)" || { echo "no kernel headers in /lib/modules/*/build: install linux-headers-…" >&2; exit 1; }

module-%: FORCE
	$(call build_module,/lib/modules/$*/build,$(B)/kmod-$*)

# For the selftests only: see selftests/mod_asleep/asleep.c.
testmod-%: FORCE
	$(call build_testmod,/lib/modules/$*/build,$(B)/testmod-$*)

testmod: FORCE
	$(call build_testmod,$(KDIR),$(B)/testmod-$(KVER))

define build_testmod
	@mkdir -p $(2)
	@for f in selftests/mod_asleep/*; do cmp -s $$f $(2)/$${f##*/} || cp $$f $(2)/; done
	$(MAKE) -C $(1) M=$(abspath $(2)) MO= modules
endef

# Kbuild writes beside its sources, so each kernel gets a copy of its own. The same
# bytes wherever that is: tools/lint reproducible.
define build_module
	@mkdir -p $(2)
	@tar cf - $(KSRC) | tar xf - --no-same-owner --skip-old-files -C $(2)
	@for f in $(KSRC); do cmp -s $$f $(2)/$$f || cp $$f $(2)/$$f; done
	$(MAKE) -C $(1) M=$(abspath $(2)) MO= W=$(W) C=$(C) \
		CFLAGS_MODULE=-ffile-prefix-map=$(abspath $(2))/= modules
	@test -f $(2)/prefpeer.ko || ln -sf kmod/prefpeer.ko $(2)/prefpeer.ko
endef

check: ## every test: native, ASan+UBSan, and in the VM on both kernels
	tools/check

check-debug: ## the module's tests on kernels with KASAN, lockdep and the like, and with KCSAN; KERNELS_DEBUG=
	tools/check $(KERNELS_DEBUG:%=--kernel %) $(TESTS_KERNEL)

check-unit: ## userspace unit tests, natively (TAP)
	$(MAKE) -C userspace B=$(abspath $(B)) check

check-unit-asan: ## the same under AddressSanitizer and UBSan
	$(MAKE) -C userspace B=$(abspath $(B))/asan SAN=1 check

T ?= all
TIME ?= 60
fuzz: ## libFuzzer targets: T=auth|cert|child|conf|control|frag|ike|message|netlink|rekey|sequence|tbs|all TIME=seconds of each
	tools/fuzz $(T) $(TIME)

demo: ## the branch router and its two hubs, narrated
	tools/demo

bench: modules-all userspace ## measurements in the VM: JSON and a table
	tools/bench

SEED ?= 1
EVENTS ?= 10000
soak: modules-all userspace ## a long random walk against the model, in the VM: SEED= EVENTS= KERNEL=6.1|6.12
	$(MAKE) -C selftests B=$(abspath $(B))
	tools/vm/run --kernel $(or $(KERNEL),6.12) --mem 3072 --timeout 86400 --out $(B)/soak --env SOAK_SEED=$(SEED) \
		--env SOAK_EVENTS=$(EVENTS) --env SOAK_ARGS="$(SOAK_ARGS)" -- selftests/e2e_soak.sh

interop: modules-all userspace ## the whole matrix with strongSwan and libreswan, in the VM; goes on where it ended: KERNEL=6.1|6.12
	$(MAKE) -C selftests B=$(abspath $(B))
	tools/interop

lint: ## checkpatch, sparse, W=1, clang, shellcheck where present
	tools/lint

install: userspace ## DESTDIR= PREFIX=
	$(MAKE) -C userspace B=$(abspath $(B)) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) install

uninstall: ## what install put there, but for a configuration; DESTDIR= PREFIX=
	$(MAKE) -C userspace DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) uninstall

modules_install: modules ## into the folder for external modules of KVER (INSTALL_MOD_PATH=)
	$(MAKE) -C $(KDIR) M=$(abspath $(B)/kmod-$(KVER)) MO= $(UNSIGNED) modules_install

modules_uninstall: ## away from there (INSTALL_MOD_PATH=)
	rm -f $(INSTALL_MOD_PATH)/lib/modules/$(KVER)/*/kmod/prefpeer.ko*

clean: ## remove build/
	rm -rf $(B)

help: ## this text
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / { printf "%-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
