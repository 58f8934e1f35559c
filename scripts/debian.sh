# Functions for running commands in a Debian made for the purpose; read by `source`,
# does nothing by itself. Takes root.
#
# A Debian is a folder that debootstrap made, or a layer: a folder with the files
# lower, upper, work and root, in which an overlay over another one keeps only what
# was changed. Mounts and processes live as long as one in_debian, in namespaces of
# their own, so nothing is left of them however it ends.

# The mirror this machine takes its own Debian from; nothing where there is none.
debian_mirror() {
  local id='' codename=''
  id=$(. /etc/os-release && echo "${ID:-}")
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  [ "$id" = debian ] || return 0
  apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -v r="$codename" '$1 == r { print $2; exit }'
}

# Says why no Debian can be made here; nothing where one can.
debian_impossible() {  # release
  local file mirror
  mirror=$(debian_mirror)
  if [ "$(id -u)" -ne 0 ]; then
    echo 'it takes root'
  elif ! unshare -mpf true 2>/dev/null; then
    echo 'this root may not mount (a container without that privilege?)'
  elif ! command -v debootstrap >/dev/null && ! command -v apt-get >/dev/null; then
    echo 'debootstrap is missing, and this system has no apt-get to install it with'
  elif [ -n "$mirror" ]; then
    file=$(mktemp)
    timeout --foreground 120 /usr/lib/apt/apt-helper download-file "${mirror%/}/dists/$1/InRelease" "$file" >/dev/null 2>&1 ||
      echo "no mirror of Debian $1 can be reached"
    rm -f "$file"
  fi
}

install_debootstrap() {
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-remove
    --no-install-recommends -o Dpkg::Use-Pty=0 install debootstrap)
  command -v debootstrap >/dev/null && return
  echo 'installs debootstrap'
  # The lists of packages may be old, or none.
  "${install[@]}" </dev/null >/dev/null 2>&1 ||
    { apt-get -qq update && "${install[@]}" </dev/null >/dev/null; }
}

# A bare Debian and the given packages, from this machine's mirror, or where it has
# none the one that debootstrap knows.
make_debian() {  # release, folder, packages
  local release=$1 dir=$2 packages=$3 mirror
  mirror=$(debian_mirror)
  timeout --foreground -k 10 "${debian_seconds:-3600}" debootstrap --variant=minbase --include="${packages// /,}" "$release" "$dir" $mirror || return
  # How this machine reaches a mirror: by a proxy, or with a clock of its own.
  apt-config dump Acquire | grep -E '::(Proxy|Check-Valid-Until|Check-Date|Retries) ' \
    >"$dir/etc/apt/apt.conf.d/00of-this-machine" || true
  # What a Debian made to be thrown away loses by a power cut is no loss.
  echo force-unsafe-io >"$dir/etc/dpkg/dpkg.cfg.d/unsafe-io"
  # Nothing that is installed there starts a service.
  printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d"
  chmod 755 "$dir/usr/sbin/policy-rc.d"
}

# A layer over a Debian; a copy of it where the kernel has no overlays.
make_layer() {  # folder, the Debian below
  local dir=$1 below=$2 lower
  lower=$below
  [ ! -e "$below/lower" ] || lower=$below/upper:$(cat "$below/lower")
  mkdir -p "$dir/upper" "$dir/work" "$dir/root"
  if unshare -m mount -t overlay overlay \
    -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" "$dir/root" 2>/dev/null; then
    printf '%s\n' "$lower" >"$dir/lower"
  else
    rm -rf "$dir"
    cp -a --reflink=auto "$below" "$dir"
  fi
}

# What git knows of the tree, as it is here, committed or not, whoever it belongs to;
# where it is no clone, all but what was built.
copy_tree() {  # tree, folder
  mkdir -p "$2"
  (cd "$1" && files_of_tree | tar --null --no-recursion -T - -cf -) | tar -xf - --no-same-owner -C "$2"
}

files_of_tree() {
  local file
  if [ -e .git ]; then
    git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
      while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done
  else
    find . \( -path ./build -o -path ./hnswpg.so \) -prune -o \( -type f -o -type l \) -print0
  fi
}

# in_debian [-n] [-b|-r FOLDER:INSIDE] ... DEBIAN COMMAND...: runs a command there as
# root. -n: without a network. -b, -r: with a folder of this machine inside, to be
# written to or only to be read. A command that takes longer than `debian_seconds`, an
# hour where that is not set, is ended, and the status is 124 or 137.
in_debian() {
  local spaces=(-mpf --kill-child) binds=''
  while :; do
    case $1 in
      -n) spaces+=(-n); shift ;;
      -b | -r) binds+="$1 $2"$'\n'; shift 2 ;;
      *) break ;;
    esac
  done
  timeout --foreground -k 10 "${debian_seconds:-3600}" unshare "${spaces[@]}" bash -euc '
    dir=$1 binds=$2
    shift 2
    if [ -e "$dir/lower" ]; then
      mount -t overlay overlay -o "lowerdir=$(cat "$dir/lower"),upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
      dir=$dir/root
    fi
    mount -t proc proc "$dir/proc"
    mkdir -p "$dir/dev/shm"
    mount -t tmpfs -o mode=1777 tmpfs "$dir/dev/shm"
    while read -r how bind; do
      [ -n "$bind" ] || continue
      mkdir -p "$dir${bind#*:}"
      mount --bind "${bind%%:*}" "$dir${bind#*:}"
      [ "$how" = -b ] || mount -o remount,bind,ro "$dir${bind#*:}"
    done <<<"$binds"
    ip link set lo up 2>/dev/null || true
    exec chroot "$dir" /usr/bin/env -i HOME=/root TERM=dumb DEBIAN_FRONTEND=noninteractive \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
  ' bash "$1" "$binds" "${@:2}"
}
