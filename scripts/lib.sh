# Functions that the scripts here share; read by `source`, does nothing by itself
# but set `top` and clear the environment of what would lead a client astray.
#
# A stage is one run's own place: a private copy of the server with the extension
# installed into it, and room for clusters. Servers run there as an ordinary user
# (Postgres refuses root) on Unix sockets only, so runs neither touch what is
# installed nor each other. It lies under /var/tmp (or HNSWPG_TMPDIR), not in the tree:
# an ordinary user need not be able to read root's clone, and paths of sockets must be
# short.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LC_ALL=C
# The server's user reads what root makes here, whatever root's own habit is.
umask 022
# The flags of a make that called us are not meant for the ones we call.
unset MAKEFLAGS MFLAGS MAKELEVEL
PG_CONFIG=${PG_CONFIG:-pg_config}
# As in the Makefile.
for name in g++ clang++; do
  [ -n "${CXX:-}" ] || ! command -v $name >/dev/null || CXX=$name
done
export CXX=${CXX:-g++}
for name in $(compgen -e PG); do
  case $name in PG_CONFIG | PG_TEST_*) ;; *) unset "$name" ;; esac
done

die() {
  printf '%s: error: %s\n' "${0##*/}" "$1" >&2
  shift
  [ $# -eq 0 ] || printf '%s\n' "$@" >&2
  exit 1
}

# What is about to take a while.
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

jobs() { nproc 2>/dev/null || echo 1; }

# --- Who runs servers -----------------------------------------------------------

# The invoking user; for root, postgres where there is one, else nobody.
server_user() {
  if [ "$(id -u)" -ne 0 ]; then
    id -un
  elif id -u postgres >/dev/null 2>&1; then
    echo postgres
  else
    echo nobody
  fi
}

# Runs a command as the server's user.
as_server() {
  if [ "$(id -u)" -ne 0 ]; then
    "$@"
  else
    local user
    user=$(server_user)
    # A TMPDIR of root's may be closed to others.
    setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups env -u TMPDIR HOME=/nonexistent "$@"
  fi
}

# Makes a directory that belongs to the server's user.
server_dir() {
  mkdir -p "$1"
  [ "$(id -u)" -ne 0 ] || chown "$(server_user)" "$1"
}

# --- Where they run ---------------------------------------------------------------

# Sets `room`: the directory under which stages and clusters are made. Dies where it
# will not do: programs run from it, and the server's user must get there.
find_room() {
  local probe advice='Set HNSWPG_TMPDIR to a directory that will do.'
  room=${HNSWPG_TMPDIR:-/var/tmp}
  room=${room%/}
  case $room in
    /*[[:space:]]*) die "$room has a space in its name" "$advice" ;;
    /*) ;;
    *) die "HNSWPG_TMPDIR must be an absolute path, not '$room'" ;;
  esac
  probe=$(mktemp -d "$room/hnswpg.XXXXXX" 2>/dev/null) || die "no directory can be made in $room" "$advice"
  chmod 755 "$probe"
  cp "$(type -P true)" "$probe/true"
  if ! as_server test -x "$probe"; then
    rm -rf "$probe"
    die "the user $(server_user), who runs the servers, cannot enter $room" "$advice"
  elif ! "$probe/true" 2>/dev/null; then
    rm -rf "$probe"
    die "programs cannot run from $room (a file system mounted noexec?)" "$advice"
  fi
  rm -rf "$probe"
}

# --- Building ---------------------------------------------------------------------

# Makes build/ and sees that it is ours to write to.
open_build() {
  mkdir -p "$top/build/log" 2>/dev/null && [ -w "$top/build/log" ] && [ -w "$top/build" ] ||
    die "$top/build is not $(id -un)'s to write to" \
      'Another user (root?) has built here. Remove build/ as that user, or go on as that user.'
}

# make, one at a time in this tree. In a stage PG_CONFIG names the copy there; what is
# built is for the server that it is a copy of.
locked_make() {
  open_build
  flock "$top/build/lock" make -C "$top" -s PG_CONFIG="${HNSWPG_PG_CONFIG:-$PG_CONFIG}" CXX="$CXX" "$@"
}

# Builds the extension; the output goes to a log, and to the caller on failure.
build_extension() {
  open_build
  # make -q: 1 where something is to be done.
  if locked_make -q all >/dev/null 2>&1; then return; fi
  say "builds the extension, from the beginning in about two minutes of one processor ($(jobs) here)"
  if ! locked_make -j"$(jobs)" all >"$top/build/log/build.log" 2>&1; then
    cat "$top/build/log/build.log" >&2
    return 1
  fi
}

# Builds the modules of the tests: the one whose looks at pages lie, for
# test/tap/060_peeks.pl, and the one with functions that tests call.
build_test_modules() {
  mkdir -p "$top/build/log"
  locked_make build/lying/hnswpg.so build/test/hnswpg_test.so >"$top/build/log/test-modules.log" 2>&1 ||
    { cat "$top/build/log/test-modules.log" >&2; return 1; }
}

# build_programs [TARGET ...]: builds what CMake builds, the unit tests and the tools,
# in build/cmake/bin; or only some of it. CMake's cache holds for one place of the tree
# and one compiler: for another it begins anew.
build_programs() {
  local built_for
  open_build
  built_for="$top; $($CXX --version 2>&1 | head -n 1)"
  if [ "$(cat "$top/build/cmake/built-for" 2>/dev/null)" != "$built_for" ]; then
    rm -rf "$top/build/cmake"
    mkdir "$top/build/cmake"
    printf '%s\n' "$built_for" >"$top/build/cmake/built-for"
    say 'builds the programs of the tests, in about two minutes of one processor'
  fi
  if ! {
    flock "$top/build/lock" cmake -S "$top" -B "$top/build/cmake" &&
      flock "$top/build/lock" cmake --build "$top/build/cmake" -j "$(jobs)" ${1:+--target "$@"}
  } >"$top/build/log/cmake.log" 2>&1; then
    cat "$top/build/log/cmake.log" >&2
    return 1
  fi
}

# --- The private copy of the server ---------------------------------------------

# install_copy DIR: a copy of the server that PG_CONFIG names under DIR, with the
# built extension in it.
#
# Postgres finds its libraries and its share directory relative to its own
# executable, after resolving symbolic links: so programs are copied, and all the
# rest is linked to. What an earlier `make install` left in the server is not.
install_copy() {
  local dir=$1 bindir libdir sharedir file
  bindir=$("$PG_CONFIG" --bindir)
  libdir=$("$PG_CONFIG" --pkglibdir)
  sharedir=$("$PG_CONFIG" --sharedir)
  mkdir -p "$dir$bindir" "$dir$libdir" "$dir$sharedir/extension"
  cp -L "$bindir"/* "$dir$bindir/"
  link_all "$libdir" "$dir$libdir"
  link_all "$sharedir" "$dir$sharedir"
  link_all "$sharedir/extension" "$dir$sharedir/extension"
  locked_make DESTDIR="$dir" install >"$dir/install.log" 2>&1 ||
    { cat "$dir/install.log" >&2; return 1; }
  [ "$("$dir$bindir/pg_config" --pkglibdir)" = "$dir$libdir" ] ||
    die "the server in $bindir cannot be relocated: its copy still looks in $libdir"
}

# Under pgvector's name too, in such a copy; where the copy has links to pgvector's files, in
# their place.
install_as_vector() {
  find "$1" -path '*/extension/vector*' -type l -delete
  locked_make DESTDIR="$1" install-as-vector >"$1/install-as-vector.log" 2>&1 ||
    { cat "$1/install-as-vector.log" >&2; return 1; }
}

# Links what is in the first directory into the second, leaving what is there.
link_all() {
  local file
  for file in "$1"/*; do
    case ${file##*/} in hnswpg*) continue ;; esac
    [ -e "$2/${file##*/}" ] || ln -s "$file" "$2/"
  done
}

# use_copy DIR: lets commands of the caller find the copy first.
use_copy() {
  local bindir
  bindir=$1$("$PG_CONFIG" --bindir)
  HNSWPG_PG_CONFIG=$(command -v "$PG_CONFIG")
  export HNSWPG_PG_CONFIG PG_CONFIG=$bindir/pg_config PATH=$bindir:$PATH
}

# --- Stages ----------------------------------------------------------------------

# Makes a stage with the copy, and copies of what tests read; sets `stage`. Takes
# the one in HNSWPG_STAGE instead, where a caller made it. What the function makes
# it also removes when the script ends.
open_stage() {
  if [ -n "${HNSWPG_STAGE:-}" ]; then
    stage=$HNSWPG_STAGE
  else
    find_room
    build_extension || return 1
    stage=$(mktemp -d "$room/hnswpg.XXXXXX")
    trap close_stage EXIT
    trap 'exit 130' INT TERM HUP
    chmod 755 "$stage"
    install_copy "$stage/install" || return 1
    install_as_vector "$stage/install" || return 1
    build_test_modules || return 1
    install -m 755 "$top/build/lying/hnswpg.so" "$stage/lying.so"
    install -m 755 "$top/build/test/hnswpg_test.so" "$stage/install$("$PG_CONFIG" --pkglibdir)/"
    mkdir "$stage/tree"
    cp -r "$top/test" "$top/sql" "$top/expected" "$top/scripts" "$stage/tree/"
    [ -z "${HNSWPG_DATA:-}" ] || stage_data
    [ "$(id -u)" -ne 0 ] || chown -R "$(server_user)" "$stage/tree"
    use_copy "$stage/install"
  fi
  # Programs that CMake built, for the tests that use them.
  [ ! -d "$top/build/cmake/bin" ] || { mkdir -p "$stage/tools" && cp -u "$top"/build/cmake/bin/* "$stage/tools/" && chmod -R a+rX "$stage/tools"; }
  export HNSWPG_TOOLS=$stage/tools HNSWPG_LYING=$stage/lying.so
  [ ! -d "$stage/data" ] || export HNSWPG_DATA=$stage/data
}

# Data that the server's user cannot read where they are are copied.
stage_data() {
  HNSWPG_DATA=$(cd "$HNSWPG_DATA" && pwd) || die "HNSWPG_DATA names no directory"
  export HNSWPG_DATA
  if ! as_server test -r "$HNSWPG_DATA"; then
    cp -r "$HNSWPG_DATA" "$stage/data"
    chmod -R a+rX "$stage/data"
  fi
}

# The processes that run a program of the stage's copy of the server.
programs_of_stage() {
  local process
  for process in /proc/[0-9]*; do
    case $(readlink "$process/exe" 2>/dev/null) in "$stage"/install/*) echo "${process##*/}" ;; esac
  done
}

# Ends every server that runs in the stage and what else of the copy does: servers
# first and by themselves, then what is left.
stop_servers() {
  local file pids
  pids=" $(programs_of_stage | tr '\n' ' ')"
  [ "$pids" != ' ' ] || return 0
  while read -r file; do
    # A pid file may outlive its server and the number be given to another process.
    case $pids in *" $(head -n 1 "$file" 2>/dev/null || true) "*) kill -QUIT "$(head -n 1 "$file")" 2>/dev/null || true ;; esac
  done < <(find "$stage" -name postmaster.pid 2>/dev/null)
  for _ in $(seq 50); do
    [ -n "$(programs_of_stage)" ] || return 0
    sleep 0.1
  done
  programs_of_stage | xargs -r kill -KILL 2>/dev/null || true
}

# Removes the stage, and with it every server that still runs there.
close_stage() {
  stop_servers
  rm -rf "$stage"
}

# --- Suites -----------------------------------------------------------------------

# Of servers of tests. They forbid sequential scans; where the planner has no other way it
# thinks a query so dear that compiling it would pay, which takes a second.
server_without_jit='jit = off'

# The last line of every suite, which scripts/check reads. Fails if a test did.
suite_result() {  # suite, passed, failed
  printf '%s: %d passed, %d failed\n' "$1" "$2" "$3"
  [ "$3" -eq 0 ] && [ "$2" -gt 0 ]
}

# Runs pg_regress or pg_isolation_regress against a server of its own and counts
# what they report. Their two ways of reporting: "test x ... ok" up to PostgreSQL
# 15, "ok 1 - x" (TAP) after it.
run_regress() {  # suite, program, directory of the inputs, tests
  local suite=$1 program=$2 input=$3 work status=0 passed failed
  shift 3
  [ $# -gt 0 ] || die "there are no tests for the suite $suite"
  work=$(mktemp -d "$stage/$suite.XXXXXX")
  chmod 755 "$work"
  server_dir "$work/out"
  # Nothing in the background, neither ours nor the server's: what is pending or
  # deleted stays so until a test does something about it.
  printf '%s\n' 'hnsw.sync_interval = 0' 'autovacuum = off' "$server_without_jit" >"$work/server.conf"
  # In a directory of the server's user: pg_regress writes into the current one.
  # A step of an isolation test that blocks for ever is given up after a minute.
  (cd "$work/out" && as_server env PGISOLATIONTIMEOUT=60 "$program" --bindir="${PG_CONFIG%/*}" --temp-instance="$work/out/instance" --temp-config="$work/server.conf" \
    --inputdir="$input" --outputdir="$work/out" --load-extension=hnswpg \
    --encoding=UTF8 --no-locale --dbname=contrib_regression "$@" 2>&1) | tee "$work/report" || status=$?
  passed=$(grep -cE '^(test |     ).* \.\.\. ok |^ok [0-9]+ ' "$work/report") || true
  failed=$(grep -cE '^(test |     ).* \.\.\. FAILED|^not ok [0-9]+ ' "$work/report") || true
  if [ "$status" -ne 0 ]; then
    mkdir -p "$top/build/log/$suite"
    cp -r "$work/out/results" "$work/out/log" "$work/out"/regression.* "$top/build/log/$suite/" 2>/dev/null || true
    cat "$work/out/regression.diffs" 2>/dev/null || true
    echo "results and server log: build/log/$suite/"
    # Not even one test ran: the server did not start, or the extension did not load.
    [ "$failed" -gt 0 ] || { failed=1; tail -n 20 "$work/out/log/"* 2>/dev/null || true; }
  fi
  suite_result "$suite" "$passed" "$failed"
}
