# mlutils. `make help` lists the targets; `make deps && make` builds everything into build/release/.
#
# V=release|debug|asan|tsan|cov|fuzz chooses a variant; each has its own folder build/$(V)/.
# VERBOSE=1 shows the commands. CC, CFLAGS, CPPFLAGS, LDFLAGS and LDLIBS may be given.

V       ?= release
PREFIX  ?= /usr/local
DESTDIR ?=
B       ?= build/$(V)
VERSION := $(shell sed -n 's/^.define MLUTILS_VERSION "\(.*\)"/\1/p' lib/cli/cli.h)

# What the sources are: every folder of cmd/ is a binary, every file of lib/*/ is in the library.
TOOLS    := $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard cmd/*/main.c)))))
LIB_SRC  := $(sort $(wildcard lib/*/*.c))
CMD_SRC  := $(sort $(wildcard cmd/*/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
TOOL_SRC := $(sort $(wildcard tests/tool/*.c))
BENCH_SRC := $(sort $(wildcard tests/bench/*.c))
SCRIPTS  := $(sort $(wildcard tests/*.sh tests/*/*.sh) .ci/run)
MAN_IN   := $(sort $(wildcard man/*.in))

LIB      := $(B)/libmlutils.a
BINARIES := $(TOOLS:%=$(B)/%)
MAN      := $(MAN_IN:man/%.in=$(B)/man/%)
UNITS    := $(UNIT_SRC:tests/unit/%.c=$(B)/tests/%)
FUZZERS  := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/tests/%)
TEST_TOOLS := $(TOOL_SRC:tests/tool/%.c=$(B)/tests/%)
BENCH_TOOLS := $(BENCH_SRC:tests/bench/%.c=$(B)/tests/%)
REPLAYS  := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(B)/tests/replay_%)
objects   = $(1:%.c=$(B)/obj/%.o)

# libarchive and hiredis are not here: they are loaded with dlopen when first needed, only their headers are wanted.
PACKAGES := jansson libpcre2-8 zlib libutf8proc lmdb yaml-0.1
PKG_CONFIG ?= pkg-config
PKG_CPPFLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) libarchive 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null || \
                    echo -ljansson -lpcre2-8 -lz -lutf8proc -llmdb -lyaml)
# Each shared library takes some 50 us to load at every start. These need nothing else themselves, and are
# linked in where their archives are.
LINKED_IN := jansson pcre2-8 z utf8proc lmdb yaml
LIBDIR    := $(shell $(PKG_CONFIG) --variable=libdir libpcre2-8 2>/dev/null)
PKG_LIBS  := $(foreach flag,$(PKG_LIBS),$(if $(and $(filter $(LINKED_IN:%=-l%),$(flag)), \
             $(wildcard $(LIBDIR)/lib$(flag:-l%=%).a)),-l:lib$(flag:-l%=%).a,$(flag)))

# -ffp-contract=off: results must not depend on whether the processor has fused multiply-add.
COMMON   := -std=c11 -ffp-contract=off
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wconversion \
            -Wsign-conversion -Wdouble-promotion -Wnull-dereference
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_release := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
FLAGS_debug   := -Og -g3
FLAGS_asan    := -O1 -g $(SANITIZE)
FLAGS_tsan    := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
FLAGS_cov     := -O0 -g --coverage
FLAGS_fuzz    := -O1 -g $(SANITIZE) -fsanitize=fuzzer-no-link \
                 -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
ifeq ($(FLAGS_$(V)),)
$(error V=$(V): choose release, debug, asan, tsan, cov or fuzz)
endif
ifeq ($(V),fuzz)
CC := clang
endif

compile = $(CC) $(COMMON) $(WARNINGS) $(FLAGS_$(V)) -D_GNU_SOURCE -DML_GEN='"$(B)/gen"' -Ilib \
          -include lib/base/forbid.h \
          $(PKG_CPPFLAGS) $(CPPFLAGS) $(CFLAGS)
link    = $(CC) $(FLAGS_$(V)) -Wl,--as-needed $(CFLAGS) $(LDFLAGS)
libs    = $(LIB) $(PKG_LIBS) -lm -ldl -lpthread $(LDLIBS)
say     = @mkdir -p $(@D); $(if $(VERBOSE),set -x,echo '$(1)  $@');

.PHONY: all binaries unit replays fuzzers tools deps demo check bless install uninstall lint bench fuzz-smoke \
        completions dist clean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

all: binaries $(MAN) ## build the tools and their man pages (the default)
binaries: $(LIB) $(BINARIES) $(B)/pipe-sh
unit: $(UNITS)
replays: $(REPLAYS)
fuzzers: $(FUZZERS)
tools: $(TEST_TOOLS)

# A stamp changes when the text written into it does: new flags rebuild everything, a removed
# source rebuilds the library.
stamp = @mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || \
        printf '%s\n' '$(subst ','\'',$(1))' >$@
$(B)/flags: FORCE
	$(call stamp,$(compile) $(link) $(libs))
$(B)/sources: FORCE
	$(call stamp,$(LIB_SRC) $(CMD_SRC))

# What compiled models are made of: the runtime as one source, and as an object for this machine; and
# the program that runs them for verification. They are embedded in the library, in every variant
# without sanitizers.
RUNTIME := $(wildcard lib/runtime/*.c) $(addprefix lib/base/,hash.c interval.c json_read.c like.c normal.c number_exact.c number_parse.c \
           number_print.c powers_of_five.c quick_hash.c time.c time_format.c time_pattern.c utf8.c zone_table.c)
GEN     := $(B)/gen
$(GEN)/ml_runtime.c: lib/artefact/embed/amalgamate.awk $(RUNTIME) $(wildcard lib/runtime/*.h lib/base/*.h) \
    $(B)/sources
	$(call say,GEN) awk -f $< $(RUNTIME) >$@
$(GEN)/ml_runtime.o: $(GEN)/ml_runtime.c $(B)/flags
	$(call say,CC) $(CC) $(COMMON) -O2 -fPIC -fvisibility=hidden -DML_API= -DML_DATA=extern -c -o $@ $<
$(GEN)/ml_runner: lib/artefact/embed/runner.c $(B)/flags
	$(call say,CC) $(CC) $(COMMON) -O2 -s -o $@ $< -ldl
$(B)/obj/lib/artefact/embedded.o: $(GEN)/ml_runtime.c $(GEN)/ml_runtime.o $(GEN)/ml_runner lib/runtime/mlmodel.h \
    $(wildcard lib/artefact/embed/*)

$(B)/obj/%.o: %.c $(B)/flags
	$(call say,CC) \
	$(compile) $(if $(filter tests/%,$<),-Itests/unit) -MMD -MP -c -o $@ $<

$(LIB): $(call objects,$(LIB_SRC)) $(B)/sources
	$(call say,AR) rm -f $@; $(AR) rcs $@ $(filter %.o,$^)

define binary
$$(B)/$(1): $$(call objects,$$(filter cmd/$(1)/%,$$(CMD_SRC))) $$(LIB) $$(B)/sources
	$$(call say,LD) $$(link) -o $$@ $$(filter %.o,$$^) $$(libs)
endef
$(foreach tool,$(TOOLS),$(eval $(call binary,$(tool))))

$(B)/tests/test_%: $(B)/obj/tests/unit/test_%.o $(B)/obj/tests/unit/unit.o $(LIB)
	$(call say,LD) $(link) -o $@ $(filter %.o,$^) $(libs)
$(B)/tests/replay_%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/obj/tests/fuzz/replay.o $(LIB)
	$(call say,LD) $(link) -o $@ $(filter %.o,$^) $(libs)
$(B)/tests/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(LIB)
	$(call say,LD) $(link) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(libs)

$(TEST_TOOLS): $(B)/tests/%: $(B)/obj/tests/tool/%.o $(LIB)
	$(call say,LD) $(link) -o $@ $(filter %.o,$^) $(libs)

$(BENCH_TOOLS): $(B)/tests/%: $(B)/obj/tests/bench/%.o $(LIB)
	$(call say,LD) $(link) -o $@ $(filter %.o,$^) $(libs) $(if $(filter xgboost,$*),-lxgboost)

$(B)/man/%: man/%.in man/expand.awk $(BINARIES)
	$(call say,MAN) PATH="$(abspath $(B)):$$PATH" awk -f man/expand.awk $< >$@

deps: ## install what building needs (apt-get), or say what to install
	@sh tests/setup.sh build

demo: ## install what building and the examples need, build, run the examples
	@sh tests/setup.sh demo
	@$(MAKE) -s --no-print-directory all
	@set -e; for story in $(sort $(dir $(wildcard examples/*/Makefile))); do \
	    echo "== $$story"; PATH="$(abspath $(B)):$$PATH" $(MAKE) --no-print-directory -C $$story; done

check: ## build and run every test; ORACLES=1 installs other people's tools to compare with
	@sh tests/setup.sh check
	@$(MAKE) -s --no-print-directory V=release all tools
	@$(MAKE) -s --no-print-directory V=asan binaries unit replays
	@BIN="$${BIN:-$(CURDIR)/build/release}" sh tests/run.sh build/asan/tests build/check

bless: all ## write the golden cases anew, for reading the difference
	@BLESS=1 bats tests/golden.bats

lint: ## cppcheck, clang-tidy, clang-format, complexity, shellcheck, mandoc, codespell; -Werror
	@sh tests/setup.sh lint
	@$(MAKE) -s --no-print-directory B=build/lint-gcc CC=gcc CFLAGS=-Werror binaries unit
	@$(MAKE) -s --no-print-directory B=build/lint-clang CC=clang CFLAGS=-Werror binaries unit
	@$(MAKE) -s --no-print-directory all
	@sh tests/lint.sh "$(B)/man" -std=c11 -D_GNU_SOURCE -Ilib -Itests/unit $(PKG_CPPFLAGS)

bench: all ## measure against other tools; ROWS=, RUNS= and TASKS= choose
	@sh tests/setup.sh bench
	@$(MAKE) -s --no-print-directory $(filter-out %/xgboost,$(BENCH_TOOLS))
	@test ! -e /usr/include/xgboost/c_api.h || $(MAKE) -s --no-print-directory $(filter %/xgboost,$(BENCH_TOOLS))
	@set -e; for bench in $(sort $(wildcard tests/bench/*.sh)); do BIN="$(abspath $(B))" sh $$bench; done

fuzz-smoke: ## run every fuzz target for 20 seconds (clang)
	@$(MAKE) -s --no-print-directory V=fuzz fuzzers
	@set -e; for source in $(FUZZ_SRC); do name=$$(basename $$source .c); name=$${name#fuzz_}; \
	    found=build/fuzz/found/$$name; mkdir -p $$found; echo "FUZZ  $$name"; \
	    build/fuzz/tests/fuzz_$$name -max_total_time=20 -artifact_prefix=$$found- $$found \
	        tests/fuzz/corpus/$$name >$$found.log 2>&1 || { tail -n 60 $$found.log; exit 1; }; done

completions: binaries ## write the shells' completion files anew from the tools' option tables
	@mkdir -p completions
	@set -e; for tool in $(TOOLS); do \
	    $(B)/$$tool --describe=bash >completions/$$tool.bash; \
	    $(B)/$$tool --describe=zsh >completions/_$$tool; \
	    $(B)/$$tool --describe=fish >completions/$$tool.fish; done

bindir  = $(DESTDIR)$(PREFIX)/bin
share   = $(DESTDIR)$(PREFIX)/share
# What pipe is by another name.
$(B)/pipe-sh: $(B)/pipe
	@ln -sf pipe $@

install: all ## install into $(DESTDIR)$(PREFIX)
	@set -e; for tool in $(TOOLS); do \
	    install -D -m 755 $(B)/$$tool $(bindir)/$$tool; \
	    install -D -m 644 completions/$$tool.bash $(share)/bash-completion/completions/$$tool; \
	    install -D -m 644 completions/_$$tool $(share)/zsh/site-functions/_$$tool; \
	    install -D -m 644 completions/$$tool.fish $(share)/fish/vendor_completions.d/$$tool.fish; \
	done; ln -sf pipe $(bindir)/pipe-sh; for page in $(MAN); do \
	    install -D -m 644 $$page $(share)/man/man$${page##*.}/$${page##*/}; done

uninstall: ## remove what install wrote
	@rm -f $(bindir)/pipe-sh
	@for tool in $(TOOLS); do rm -f $(bindir)/$$tool $(share)/zsh/site-functions/_$$tool \
	    $(share)/bash-completion/completions/$$tool \
	    $(share)/fish/vendor_completions.d/$$tool.fish; done
	@for page in $(MAN); do rm -f $(share)/man/man$${page##*.}/$${page##*/}; done

dist: ## pack the committed sources into dist/
	@mkdir -p dist
	git archive --prefix=mlutils-$(VERSION)/ -o dist/mlutils-$(VERSION).tar.gz HEAD

clean: ## remove everything that was built
	rm -rf build dist

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' Makefile

-include $(patsubst %.c,$(B)/obj/%.d,$(LIB_SRC) $(CMD_SRC) $(UNIT_SRC) $(FUZZ_SRC) $(TOOL_SRC) $(BENCH_SRC))
