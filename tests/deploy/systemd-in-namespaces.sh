#!/usr/bin/env bash
# Runs the unit that a program prints under a real systemd: start, reload, upgrade, watchdog, stop, and the same with
# a socket.
#
#   tests/deploy/systemd-in-namespaces.sh PROGRAM APP [PACKAGE]
#
# With a Debian package of fal-host it installs that, too, and lets its service serve.
#
# Run it as root, on Linux with cgroup version 2. systemd is process 1 of namespaces of its own. Its root file system is a
# tmpfs with /usr of this machine, read-only: it has /etc, /run, /tmp, /var and /dev of its own, and a control group of its own.
set -euo pipefail

program=$(realpath "$1") app=$2 package=${3:+$(realpath "$3")}
root=$(mktemp -d)
group=$(findmnt --types cgroup2 --noheadings --output TARGET | head -n 1)/fal-systemd-$$
mkdir "$group"
export program root group package

cat > "$root/inner.sh" <<'INNER'
set -euo pipefail
mount --make-rprivate /
# Nothing from here on is visible outside.
mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir -p usr proc sys dev run tmp var/tmp var/lib etc opt root old units
chmod 1777 tmp var/tmp
for directory in bin sbin lib lib64; do ln -s "usr/$directory" "$directory"; done
cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache etc/
echo 0123456789abcdef0123456789abcdef > etc/machine-id
mkdir -p etc/systemd/system
cp "$program" opt/app
# Of the units of this machine only the milestones.
for unit in basic sysinit multi-user shutdown umount final sockets timers paths slices network network-online; do
    cp "/usr/lib/systemd/system/$unit.target" units/
done
if [ -n "$package" ]; then
    # What the package installs is written beside /usr, which stays as it is.
    mkdir upper work
    mount -t overlay -o lowerdir=/usr,upperdir=upper,workdir=work overlay usr
    cp "$package" fal-host.deb
else
    mount --bind /usr usr
    mount -o remount,bind,ro usr
fi
mount --bind units usr/lib/systemd/system
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/1 dev/stdout
touch dev/console log
mount --bind log dev/console
ip link set lo up
pivot_root . old
cd /
umount --lazy /old
# As on a machine, and as container managers do: systemd mounts the credentials of a service for it.
mount --make-rshared /
[ "$(findmnt --noheadings --output FSTYPE /)" = tmpfs ] || { echo "not in a root of its own"; exit 1; }
exec env -i PATH=/usr/sbin:/usr/bin container=namespaces /usr/lib/systemd/systemd --unit=multi-user.target
INNER

bash -c 'echo $$ > "$group/cgroup.procs"
    exec unshare --cgroup --mount --pid --net --ipc --uts --fork --kill-child bash "$root/inner.sh"' &
outer=$!
end() {
    # Only this process; the kernel ends the others of its namespace.
    kill -KILL "$outer" 2> /dev/null || true
    wait "$outer" 2> /dev/null || true
    for _ in $(seq 50); do
        find "$group" -depth -type d -exec rmdir {} + 2> /dev/null && break
        sleep 0.1
    done
    rm -rf --one-file-system "$root"
}
trap end EXIT

until inner=$(pgrep -P "$outer" | head -n 1) && [ -n "$inner" ]; do sleep 0.1; done
inside() { nsenter --target "$inner" --mount --pid --net --ipc --uts --cgroup env -i PATH=/usr/sbin:/usr/bin "$@"; }
fail() {
    echo "FAILED: $1"
    inside cat /log /var/lib/app.log 2> /dev/null | tail -n 60
    inside systemctl status "$app" --no-pager 2>&1 | tail -n 30
    exit 1
}
# Tries a command until it succeeds, at most for a minute.
until_true() {
    local what=$1
    shift
    for _ in $(seq 300); do
        "$@" > /dev/null 2>&1 && return
        sleep 0.2
    done
    fail "$what"
}
show() { inside systemctl show "$app" --property "$1" --value; }
main_is_not() { [ "$(show MainPID)" != "$1" ] && [ "$(show MainPID)" != 0 ] && [ "$(show ActiveState)" = active ]; }
serves() { inside curl --silent --fail --max-time 5 http://127.0.0.1:8080/openapi.json; }
runner() { inside curl --silent --max-time 5 http://127.0.0.1:9090/runners | grep -o '"id":[0-9]*' | head -n 1; }

until_true "systemd starts" inside test -S /run/systemd/private
version=$(inside systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
# Only root can read the token.
echo an-admin-token-of-this-test | inside sh -c 'umask 077; cat > /etc/app.token'
inside /opt/app systemd --app "$app" --admin-token @/etc/app.token | inside tee "/etc/systemd/system/$app.service" > /dev/null
# So that the test does not take minutes, and shows what the host says.
inside mkdir "/etc/systemd/system/$app.service.d"
printf '[Service]\nWatchdogSec=3\nStandardOutput=append:/var/lib/app.log\nStandardError=append:/var/lib/app.log\n' |
    inside tee "/etc/systemd/system/$app.service.d/test.conf" > /dev/null
inside systemctl daemon-reload

inside systemctl start "$app" || fail "start"
[ "$(show ActiveState)" = active ] || fail "it is active when it serves"
serves > /dev/null || fail "it serves"
first=$(show MainPID)
echo "systemd $version: started, main process $first"

runner_before=$(runner)
inside systemctl reload "$app" || fail "reload"
replaced() { [ "$(runner)" != "$runner_before" ]; }
until_true "a reload replaces the runners" replaced
[ "$(show MainPID)" = "$first" ] || fail "a reload keeps the host"
echo "reloaded"

# The service has a user of its own. Root's subcommands find it.
[ "$(show ExecMainPID)" = "$first" ] && [ "$(inside stat --format %u "/proc/$first")" != 0 ] || fail "it has a user of its own"
inside "/opt/app" runners --json | grep -q '"runners"' || fail "root's subcommands find the host of the service"
inside "/opt/app" restart --wait || fail "restart by a subcommand"
order() { inside curl --silent --output /dev/null --write-out '%{http_code}' -X POST "$@" http://127.0.0.1:9090/scale?runners=1; }
[ "$(order) $(order -H 'authorization: Bearer an-admin-token-of-this-test')" = "401 202" ] ||
    fail "the token is required and accepted"
echo "controlled by root, and over HTTP with the token"

inside systemctl kill --signal USR2 --kill-whom main "$app"
until_true "an upgrade changes the main process" main_is_not "$first"
second=$(show MainPID)
gone() { ! inside test -d "/proc/$first"; }
until_true "the old host ends" gone
[ "$(show ActiveState) $(show NRestarts)" = "active 0" ] || fail "the service is active, and was not restarted"
serves > /dev/null || fail "the new host serves"
echo "upgraded, main process $second"

# The watchdog follows the new host.
inside systemctl kill --signal STOP --kill-whom main "$app"
until_true "the watchdog restarts a host that hangs" main_is_not "$second"
[ "$(show NRestarts)" = 1 ] || fail "one restart"
until_true "it serves again" serves
echo "restarted by the watchdog"

inside systemctl stop "$app" || fail "stop"
[ "$(show ActiveState) $(show Result) $(show ExecMainStatus)" = "inactive success 0" ] ||
    fail "it stops with 0: $(show ActiveState) $(show Result) $(show ExecMainStatus)"
echo "stopped with 0"

# With a socket unit, systemd listens itself. The host listens on what it inherits, and so does the next one. As the guide
# says, for a service that runs: it has the port until it is stopped.
inside systemctl start "$app" || fail "start before the socket"
inside /opt/app systemd --app "$app" --socket | inside tee "/etc/systemd/system/$app.socket" > /dev/null
inside systemctl daemon-reload
inside systemctl stop "$app" || fail "stop before the socket"
inside systemctl enable --now "$app.socket" || fail "start of the socket"
serves > /dev/null || fail "a connection starts the service"
third=$(show MainPID)
inside /opt/app upgrade || fail "an upgrade by a subcommand of root"
until_true "an upgrade changes the main process" main_is_not "$third"
serves > /dev/null || fail "the new host serves on the socket of systemd"
inside systemctl stop "$app.socket" "$app" || fail "stop of both"
echo "started by a connection, upgraded, and stopped"

[ -n "$package" ] || exit 0
# The units of this machine are hidden: the package's go where the test's are.
inside sh -euc '
    mkdir -p /tmp/package /etc/fal-host
    dpkg-deb --extract /fal-host.deb /tmp/package
    cp /tmp/package/usr/bin/fal-host /usr/bin/
    cp /tmp/package/usr/lib/systemd/system/fal-host@* /etc/systemd/system/
    printf "#!/bin/sh\nexec /opt/app serve --app %s --listen tcp:127.0.0.1:\$PORT\n" "$1" > /opt/server
    chmod 755 /opt/server
    sed "s|^COMMAND=.*|COMMAND=/opt/server|" /tmp/package/usr/share/doc/fal-host/example.conf > /etc/fal-host/test.conf
    systemctl daemon-reload' sh "$app"
inside systemctl start fal-host@test || fail "start of the package's service"
serves > /dev/null || fail "the package's service serves"
inside systemctl reload fal-host@test || fail "reload of the package's service"
inside systemctl stop fal-host@test || fail "stop of the package's service"
inside systemctl start fal-host@test.socket || fail "start of the package's socket"
serves > /dev/null || fail "a connection starts the package's service"
inside systemctl stop fal-host@test.socket fal-host@test || fail "stop of the package's socket"
echo "the package's service and socket: started, reloaded, stopped"
