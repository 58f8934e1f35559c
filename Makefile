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

# --- The project's own commands ----------------------------------------------

SUITES   := unit regress isolation tap boundary
commands := setup demo check $(SUITES:%=check-%) bench bench-quick format

# PGXS is read only where it is needed: it may not be installed yet.
ifneq ($(filter-out $(commands),$(or $(MAKECMDGOALS),all)),)

# --- The extension, by PGXS ---------------------------------------------------

EXTENSION  = hnswpg
MODULE_big = hnswpg
PGFILEDESC = "hnswpg - hnsw index access method"
DATA       = $(wildcard sql/hnswpg--*.sql)
# Every source below src/, however deep. But src/server: a program of its own, on the
# core alone, that CMake builds.
SOURCES    = $(sort $(shell find src -name '*.cpp' -not -path 'src/server/*'))
OBJS       = $(SOURCES:%.cpp=build/obj/%.o)

# Bitcode for the JIT would inline calls to our functions into SQL expressions,
# but PGXS compiles it with the flags of another compiler and another C++
# standard, and inlining what takes a microsecond gains nothing.
override with_llvm = no

REGRESS        = $(patsubst sql/%.sql,%,$(filter-out sql/hnswpg--%.sql,$(wildcard sql/*.sql)))
ISOLATION      = $(patsubst test/isolation/specs/%.spec,%,$(wildcard test/isolation/specs/*.spec))
REGRESS_OPTS   = --load-extension=hnswpg
ISOLATION_OPTS = --load-extension=hnswpg --inputdir=test/isolation
TAP_TESTS      = 1
PROVE_TESTS    = test/tap/*.pl
EXTRA_CLEAN    = build

SHLIB_LINK = -Wl,--version-script=src/exports.map -lstdc++ -lpthread

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifeq ($(wildcard $(PGXS)),)
$(error '$(PG_CONFIG) --pgxs' names no file: the server's development files are missing. \
Run 'make setup', or install postgresql-server-dev-NN, or say where: make PG_CONFIG=/path/to/pg_config)
endif
include $(PGXS)

# What every object is compiled with, after the flags Postgres itself was built
# with. Exceptions stay on: scripts/check-boundary proves from the objects of the
# other layers that no exception handling is needed there.
# -fno-math-errno: sqrt is one instruction.
hnswpg_cxxflags = -std=c++20 -O2 -Wall -Wextra -fvisibility=hidden \
	-fvisibility-inlines-hidden -fno-math-errno -MMD -MP \
	$(if $(findstring clang,$(CXX)),-Wno-unknown-warning-option)

# include/ has what a layer shows to others, src/ the headers that are its own; both
# are named by their path from there. (Highway compiles a source again for each
# target by including it by name, from src/ too.)
own_includes = -Iinclude -Isrc
# The core must not know Postgres, so it does not get to see its headers.
core_cppflags = $(own_includes) -D_GNU_SOURCE $(filter -D_FORTIFY_SOURCE%,$(CPPFLAGS))
# As system headers, so that -Wextra speaks of our code only.
server_cppflags = $(own_includes) -isystem $(includedir_server) $(CPPFLAGS)

build/obj/src/core/%.o: src/core/%.cpp | required-libraries
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(hnswpg_cxxflags) $(core_cppflags) -c -o $@ $<

build/obj/src/%.o: src/%.cpp | required-libraries
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(hnswpg_cxxflags) $(server_cppflags) -c -o $@ $<

-include $(OBJS:.o=.d)

# The module that test/tap/060_peeks.pl runs: what it reads from pages neither pinned nor
# locked may be anything (test/model/lying_peeks.cpp). It differs in the sources that read so.
lying_sources := $(shell grep -l '"hnswpg/storage/peek.h"' src/*/*.cpp) test/model/lying_peeks.cpp
lying_objects := $(lying_sources:%.cpp=build/lying/%.o)

build/lying/%.o: %.cpp | required-libraries
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(hnswpg_cxxflags) $(server_cppflags) -DHNSWPG_LYING_PEEKS -c -o $@ $<

build/lying/hnswpg.so: $(lying_objects) $(filter-out $(lying_sources:%.cpp=build/obj/%.o),$(OBJS))
	$(LINK.shared) -o $@ $^ $(LDFLAGS) $(LDFLAGS_SL) $(SHLIB_LINK)

-include $(lying_objects:.o=.d)

# hnswlib has no version macro; stop_condition.h came with 0.8.
.PHONY: required-libraries
required-libraries:
	@has() { printf '#if !__has_include(<%s>)\n#error missing\n#endif\n' "$$1" | \
		$(CXX) -x c++ -std=c++20 -Iinclude -E - >/dev/null 2>&1; }; \
	has hnswlib/hnswlib.h || { echo "hnswpg: hnswlib is missing (hnswlib/hnswlib.h is not in \
	the include path). Run 'make setup', or install libhnswlib-dev 0.8 or newer." >&2; exit 1; }; \
	has hnswlib/stop_condition.h || { echo "hnswpg: hnswlib is too old: 0.8 or newer is needed \
	(it has hnswlib/stop_condition.h). Run 'make setup', which takes it from a newer Debian." >&2; exit 1; }; \
	has hwy/highway.h || { echo "hnswpg: Highway is missing (hwy/highway.h is not in the \
	include path). Run 'make setup', or install libhwy-dev." >&2; exit 1; }

endif

# --- Rules of the commands ----------------------------------------------------

export PG_CONFIG

.PHONY: $(commands)

setup:
	@scripts/setup

demo: setup
	@scripts/demo

# PGXS has a `check` too, which only says that there is none; make warns of it
# where a command line asks for PGXS's targets and for check.
ifneq ($(filter check,$(MAKECMDGOALS)),)
check: setup
	@scripts/check
endif

# One suite; T names the tests to run: make check-regress T=vector
$(SUITES:%=check-%): check-%: setup
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
