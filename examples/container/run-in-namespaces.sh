#!/usr/bin/env bash
# Runs a program as the Dockerfile does, without a container engine: the root file system has only the program and its
# shared libraries, and is read-only except for /tmp. The program is process 1, has a user of its own without capabilities,
# and may have few processes and threads.
#
#   examples/container/run-in-namespaces.sh PROGRAM [PROCESSES]
#
# Run it as root, on Linux. It checks that the app gets ready, answers `check`, and stops with 0 at SIGTERM.
set -euo pipefail

program=$(realpath "$1") limit=${2:-128}
root=$(mktemp -d)
# What is mounted there belongs to the namespace, and ends with it.
trap 'rm -rf --one-file-system "$root"' EXIT

mkdir "$root"/{proc,dev,tmp}
touch "$root/dev/null"
cp "$program" "$root/my-app"
# The shared libraries, as the base image of the Dockerfile has them.
ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
chmod 755 "$root"

# The arguments are those of the Dockerfile.
arguments=$(sed -n 's/^CMD \[\(.*\)\]$/\1/p' "$(dirname "$0")/Dockerfile" | tr -d '",')

export root limit arguments
unshare --mount --pid --net --ipc --uts --fork --kill-child bash -euc '
    ip link set lo up
    mount --make-rprivate /
    mount --bind "$root" "$root"
    mount -t tmpfs tmpfs "$root/tmp"
    chmod 1777 "$root/tmp"
    mount -t proc proc "$root/proc"
    mount --bind /dev/null "$root/dev/null"
    mount -o remount,bind,ro "$root"
    # The words of $arguments are separate arguments.
    exec env -i PATH="$PATH" XDG_RUNTIME_DIR=/tmp prlimit --nproc="$limit" setpriv --no-new-privs \
        chroot --userspec=65532:65532 "$root" /my-app $arguments
' &
outer=$!
# `unshare --fork` waits for its child, which becomes the program.
until inner=$(pgrep -P "$outer" | head -n 1) && [ -n "$inner" ]; do sleep 0.1; done

inside() { nsenter --target "$inner" --mount --pid --net chroot --userspec=65532:65532 "$root" "$@"; }
deadline=$((SECONDS + 60))
until inside /my-app check --ready 2> /dev/null; do
    kill -0 "$outer" 2> /dev/null || { echo "the app has ended before it was ready"; exit 1; }
    [ "$SECONDS" -lt "$deadline" ] || { echo "the app is not ready after a minute"; kill -KILL "$inner"; exit 1; }
    sleep 0.2
done
inside /my-app check
kill -TERM "$inner"
wait "$outer"
echo "ready, healthy, and stopped with 0"
