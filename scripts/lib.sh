# Functions that the scripts here share; read by `source`, does nothing by itself
# but set `top` and clear the environment of what would lead a client astray.
#
# A stage is one run's own place: a private copy of the server with the extension
# installed into it, and room for clusters. Servers run there as an ordinary user
# (Postgres refuses root) on Unix sockets only, so runs neither touch what is
# installed nor each other. It lies under /var/tmp, not in the tree: an ordinary
# user need not be able to read root's clone, and paths of sockets must be short.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LC_ALL=C
# The flags of a make that called us are not meant for the ones we call.
unset MAKEFLAGS MFLAGS MAKELEVEL
PG_CONFIG=${PG_CONFIG:-pg_config}
for name in $(compgen -e PG); do
  case $name in PG_CONFIG | PG_TEST_*) ;; *) unset "$name" ;; esac
done

die() {
  printf '%s: error: %s\n' "${0##*/}" "$1" >&2
  shift
  [ $# -eq 0 ] || printf '%s\n' "$@" >&2
  exit 1
}

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
    setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups env HOME=/nonexistent "$@"
  fi
}

# Makes a directory that belongs to the server's user.
server_dir() {
  mkdir -p "$1"
  [ "$(id -u)" -ne 0 ] || chown "$(server_user)" "$1"
}

# --- The private copy of the server ---------------------------------------------

# make, one at a time in this tree.
locked_make() {
  mkdir -p "$top/build/log"
  flock "$top/build/lock" make -C "$top" -s PG_CONFIG="$PG_CONFIG" "$@"
}

# Builds the extension; the output goes to a log, and to the caller on failure.
build_extension() {
  mkdir -p "$top/build/log"
  if ! locked_make -j"$(jobs)" all >"$top/build/log/build.log" 2>&1; then
    cat "$top/build/log/build.log" >&2
    return 1
  fi
}

# Builds the module whose looks at pages lie, for test/tap/060_peeks.pl.
build_lying() {
  mkdir -p "$top/build/log"
  locked_make build/lying/hnswpg.so >"$top/build/log/lying.log" 2>&1 ||
    { cat "$top/build/log/lying.log" >&2; return 1; }
}

# build_programs [TARGET ...]: builds what CMake builds, the unit tests and the tools,
# in build/cmake/bin; or only some of it.
build_programs() {
  mkdir -p "$top/build/log"
  if ! {
    flock "$top/build/lock" cmake -S "$top" -B "$top/build/cmake" &&
      flock "$top/build/lock" cmake --build "$top/build/cmake" -j "$(jobs)" ${1:+--target "$@"}
  } >"$top/build/log/cmake.log" 2>&1; then
    cat "$top/build/log/cmake.log" >&2
    return 1
  fi
}

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
  export PG_CONFIG=$bindir/pg_config PATH=$bindir:$PATH
}

# --- Stages ----------------------------------------------------------------------

# Makes a stage with the copy, and copies of what tests read; sets `stage`. Takes
# the one in HNSWPG_STAGE instead, where a caller made it. What the function makes
# it also removes when the script ends.
open_stage() {
  if [ -n "${HNSWPG_STAGE:-}" ]; then
    stage=$HNSWPG_STAGE
  else
    build_extension || return 1
    stage=$(mktemp -d /var/tmp/hnswpg.XXXXXX)
    trap close_stage EXIT
    trap 'exit 130' INT TERM HUP
    chmod 755 "$stage"
    install_copy "$stage/install" || return 1
    build_lying || return 1
    install -m 755 "$top/build/lying/hnswpg.so" "$stage/lying.so"
    mkdir "$stage/tree"
    cp -r "$top/test" "$top/sql" "$top/expected" "$top/scripts" "$stage/tree/"
    [ -z "${HNSWPG_DATA:-}" ] || stage_data
    [ "$(id -u)" -ne 0 ] || chown -R "$(server_user)" "$stage/tree"
    use_copy "$stage/install"
  fi
  # Programs that CMake built, for the tests that use them.
  [ ! -d "$top/build/cmake/bin" ] || { mkdir -p "$stage/tools" && cp -u "$top"/build/cmake/bin/* "$stage/tools/"; }
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

# Stops every server whose data directory lies in the stage, then removes it. A
# pid file may outlive its server and the number be given to another process, so
# a process is only stopped while it works in that very directory.
close_stage() {
  local file pid
  while read -r file; do
    pid=$(head -n 1 "$file" 2>/dev/null) || continue
    if [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "${file%/*}" ]; then
      kill -QUIT "$pid" 2>/dev/null || true
      for _ in $(seq 50); do
        [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "${file%/*}" ] || break
        sleep 0.1
      done
    fi
  done < <(find "$stage" -name postmaster.pid 2>/dev/null)
  rm -rf "$stage"
}

# --- Suites -----------------------------------------------------------------------

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
  printf '%s\n' 'hnsw.sync_interval = 0' 'autovacuum = off' >"$work/server.conf"
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
