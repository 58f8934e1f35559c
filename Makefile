# hnswpg's Makefile has two halves.
#
#   make, make install, make installcheck, make clean
#       PGXS as everywhere: builds against the server that PG_CONFIG names and
#       installs into it.
#   make setup, demo, check, check-*, bench, bench-quick, format
#       The project's own commands. Each is a script in scripts/. They start from
#       a machine that has nothing but git and make, and leave the installed
#       server alone: servers run from a private copy of it.

PG_CONFIG ?= pg_config

# The compiler: CXX of the command line or the environment, else g++, else clang++.
ifeq ($(origin CXX),default)
CXX := $(or $(shell for c in g++ clang++; do command -v $$c >/dev/null && echo $$c && break; done),g++)
endif
compiler := $(CXX)

# --- The project's own commands ----------------------------------------------

suites   := unit regress isolation tap boundary
commands := setup demo check check-fresh $(suites:%=check-%) bench bench-quick format

# PGXS is read only where it is needed: it may not be installed yet.
ifneq ($(filter-out $(commands),$(or $(MAKECMDGOALS),all)),)

# --- The extension, by PGXS ---------------------------------------------------

EXTENSION  = hnswpg
MODULE_big = hnswpg
PGFILEDESC = "hnswpg - hnsw index access method"
# Assembled from its parts; the version is that of hnswpg.control.
DATA_built = build/hnswpg--0.1.0.sql
# Every source below src/, however deep. But src/server: a program of its own, on the
# core alone, that CMake builds.
SOURCES    = $(sort $(shell find src -name '*.cpp' -not -path 'src/server/*'))
OBJS       = $(SOURCES:%.cpp=build/obj/%.o)

# Bitcode for the JIT would inline calls to our functions into SQL expressions,
# but PGXS compiles it with the flags of another compiler and another C++
# standard, and inlining what takes a microsecond gains nothing.
override with_llvm = no

REGRESS        = $(patsubst sql/%.sql,%,$(wildcard sql/*.sql))
# An installed server has no module of the tests.
ISOLATION      = $(patsubst test/isolation/specs/%.spec,%,$(sort $(shell grep -L hnswpg_test test/isolation/specs/*.spec)))
REGRESS_OPTS   = --load-extension=hnswpg
ISOLATION_OPTS = --load-extension=hnswpg --inputdir=test/isolation
TAP_TESTS      = 1
PROVE_TESTS    = test/tap/*.pl
EXTRA_CLEAN    = build

SHLIB_LINK = -Wl,--version-script=src/exports.map -lpthread

# pgxs.mk alone proves nothing: packages of the client bring it too.
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(shell test -e '$(PGXS)' && test -e "$$($(PG_CONFIG) --includedir-server)/postgres.h" && echo yes),yes)
$(error The development files of the server that '$(PG_CONFIG)' names are missing \
(pgxs.mk, postgres.h). Run 'make setup', or install postgresql-server-dev-NN, or say where \
another server is: make PG_CONFIG=/path/to/pg_config)
endif
include $(PGXS)

# The same extension under the name of pgvector, so that its clients and dumps need no other
# line: CREATE EXTENSION vector. The version is that of pgvector whose SQL it has. Files of
# pgvector itself are not written over unless REPLACE_PGVECTOR=1 says so.
vector_version := 0.8.0
vector_dir := $(DESTDIR)$(datadir)/extension

install_parts = scripts/install-script $(wildcard sql/install/*) $(wildcard sql/as_vector/*)

build/hnswpg--0.1.0.sql: $(install_parts)
	@mkdir -p $(@D)
	scripts/install-script >$@.new
	mv $@.new $@

build/vector--$(vector_version).sql: $(install_parts)
	@mkdir -p $(@D)
	scripts/install-script vector >$@.new
	mv $@.new $@

build/vector.control: vector.control.in Makefile
	@mkdir -p $(@D)
	sed 's/@version@/$(vector_version)/' $< >$@

.PHONY: install-as-vector uninstall-as-vector
install-as-vector: install build/vector.control build/vector--$(vector_version).sql
	@if [ -e '$(vector_dir)/vector.control' ] && [ -z '$(REPLACE_PGVECTOR)' ] && \
	  ! grep -q hnswpg '$(vector_dir)/vector.control'; then \
	  echo "hnswpg: this server has pgvector ($(vector_dir)/vector.control). Remove it (the" \
	    "package postgresql-NN-pgvector, say), or have its extension files written over:" \
	    "make install-as-vector REPLACE_PGVECTOR=1. Databases that have pgvector keep it as" \
	    "long as its library stays." >&2; exit 1; fi
	$(INSTALL_DATA) build/vector.control build/vector--$(vector_version).sql '$(vector_dir)/'

uninstall-as-vector:
	@if [ -e '$(vector_dir)/vector.control' ] && ! grep -q hnswpg '$(vector_dir)/vector.control'; then \
	  echo "hnswpg: $(vector_dir)/vector.control is pgvector's" >&2; exit 1; fi
	rm -f '$(vector_dir)/vector.control' '$(vector_dir)/vector--$(vector_version).sql'

# PGXS brings the names of the compilers that the server was built with, which need
# not be here. The module is C++ and is linked as such.
CXX := $(compiler)
LINK.shared = $(CXX) $(CXXFLAGS) $(CFLAGS_SL) -shared

# make installcheck: our own modules for prove.
PROVE_FLAGS += -I '$(CURDIR)/test/perl'

# What every object is compiled with, after the flags Postgres itself was built
# with. Exceptions stay on: scripts/check-boundary proves from the objects of the
# other layers that no exception handling is needed there.
# -fno-math-errno: sqrt is one instruction. -ffp-contract=off: a product is rounded
# before it is added to, on every machine, so that codes are the same on all.
hnswpg_cxxflags = -std=c++20 -O2 -Wall -Wextra -fvisibility=hidden \
	-fvisibility-inlines-hidden -fno-math-errno -ffp-contract=off -MMD -MP \
	$(if $(findstring clang,$(shell $(CXX) --version 2>&1)),-Wno-unknown-warning-option)

# include/ has what a layer shows to others, src/ the headers that are its own; both
# are named by their path from there. (Highway compiles a source again for each
# target by including it by name, from src/ too.)
own_includes = -Iinclude -Isrc
# The core must not know Postgres, so it does not get to see its headers.
core_cppflags = $(own_includes) -D_GNU_SOURCE $(filter -D_FORTIFY_SOURCE%,$(CPPFLAGS))
# As system headers, so that -Wextra speaks of our code only.
server_cppflags = $(own_includes) -isystem $(includedir_server) $(CPPFLAGS)

# What the objects are made for. They depend on the file, which is written anew when
# its text would be another: a different server, compiler or flag compiles everything
# again.
built_for := $(shell $(PG_CONFIG) 2>&1; $(CXX) --version 2>&1 | head -n 1) \
	$(CXX) $(CXXFLAGS) $(hnswpg_cxxflags) $(core_cppflags) $(server_cppflags)
ifneq ($(file <build/built-for),$(built_for))
# Not where make only says what it would do (-n).
ifeq ($(findstring n,$(firstword -$(MAKEFLAGS))),)
$(shell mkdir -p build)
$(file >build/built-for,$(built_for))
endif
endif

build/built-for: ;

build/obj/src/core/%.o: src/core/%.cpp build/built-for | build/libraries
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(hnswpg_cxxflags) $(core_cppflags) -c -o $@ $<

build/obj/src/%.o: src/%.cpp build/built-for | build/libraries
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(hnswpg_cxxflags) $(server_cppflags) -c -o $@ $<

-include $(OBJS:.o=.d)

# The module that test/tap/060_peeks.pl runs: what it reads from pages neither pinned nor
# locked may be anything (test/model/lying_peeks.cpp). It differs in the sources that read so.
lying_sources := $(shell grep -rl --include='*.cpp' '"hnswpg/storage/page/peek.h"' src) test/model/lying_peeks.cpp
lying_objects := $(lying_sources:%.cpp=build/lying/%.o)

build/lying/%.o: %.cpp build/built-for | build/libraries
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(hnswpg_cxxflags) $(server_cppflags) -DHNSWPG_LYING_PEEKS -c -o $@ $<

build/lying/hnswpg.so: $(lying_objects) $(filter-out $(lying_sources:%.cpp=build/obj/%.o),$(OBJS))
	$(LINK.shared) -o $@ $^ $(LDFLAGS) $(LDFLAGS_SL) $(SHLIB_LINK)

-include $(lying_objects:.o=.d)

# A module with functions that tests call (test/module/hold_graph_lock.cpp).
build/test/hnswpg_test.so: test/module/hold_graph_lock.cpp build/built-for
	@mkdir -p $(@D)
	$(LINK.shared) $(hnswpg_cxxflags) -fvisibility=default $(server_cppflags) -o $@ $< $(LDFLAGS)

-include build/test/hnswpg_test.d

# That the compiler works and finds the libraries, looked at once. hnswlib has no
# version macro; stop_condition.h came with 0.8.
build/libraries: build/built-for
	@has() { printf '#if !__has_include(<%s>)\n#error missing\n#endif\n' "$$1" | \
		$(CXX) -x c++ -std=c++20 -Iinclude -E - >/dev/null 2>&1; }; \
	fail() { echo "hnswpg: $$1" >&2; exit 1; }; \
	command -v $(firstword $(CXX)) >/dev/null || fail "there is no compiler $(CXX). Run 'make setup', \
	or name another: make CXX=clang++"; \
	has span || fail "$(CXX) does not find a C++20 library. g++ 12 or newer brings one; clang++ \
	uses the one of g++ (the package libstdc++-NN-dev)."; \
	has hnswlib/hnswlib.h || fail "hnswlib is missing (hnswlib/hnswlib.h is not in the include \
	path of $(CXX)). Run 'make setup', or install libhnswlib-dev 0.8 or newer."; \
	has hnswlib/stop_condition.h || fail "hnswlib is too old: 0.8 or newer is needed (it has \
	hnswlib/stop_condition.h). Run 'make setup', which takes it from a newer Debian."; \
	has hwy/highway.h || fail "Highway is missing (hwy/highway.h is not in the include path of \
	$(CXX)). Run 'make setup', or install libhwy-dev."; \
	touch $@

endif

# --- Rules of the commands ----------------------------------------------------

export PG_CONFIG
export CXX := $(compiler)

.PHONY: $(commands)

setup:
	@scripts/setup

demo: setup
	@scripts/demo

# PGXS has a `check` too, which only says that there is none; make warns of it
# where a command line asks for PGXS's targets and for check.
ifneq ($(filter check,$(MAKECMDGOALS)),)
check: setup
	@scripts/check $(T)
endif

# Bare Debians: make check-fresh CASES="clang locale" RELEASE=trixie
check-fresh:
	@RELEASE=$(RELEASE) scripts/check-fresh $(CASES)

# One suite; T names the tests to run: make check-regress T=vector
$(suites:%=check-%): check-%: setup
	@scripts/check-$* $(T)

# Everything: generated vectors, and the sets that HNSWPG_DATA names.
bench: setup
	@bench/setup
	@bench/run $(BENCH)

bench-quick: setup
	@bench/setup
	@bench/run --quick $(BENCH)

format:
	clang-format -i $$(git ls-files '*.h' '*.cpp')
