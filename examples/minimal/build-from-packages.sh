#!/usr/bin/env bash
# Builds this crate outside the repository, against packaged crates instead of paths, and sends it a request.
#
# Usage: build-from-packages.sh [DIRECTORY]
#   DIRECTORY holds the fal-*.crate files. Without it, `cargo package` makes them first.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || { kill "$server" && wait "$server"; } 2> /dev/null || true
    rm -rf "$work"
}
trap finish EXIT

packages=${1:-}
if [ -z "$packages" ]; then
    cargo package --manifest-path "$here/../../Cargo.toml" --no-verify --allow-dirty --target-dir "$work/target" \
        -p fal-health -p fal-macros -p fal-host -p fal-runtime
    packages=$work/target/package
fi

# The crate as its author has it: no path, no [workspace].
mkdir "$work/app" "$work/crates"
cp -r "$here/src" "$work/app"
sed -e '/^# Outside/,/^\[workspace\]/d' -e '/^# From crates.io/d' \
    -e 's/^fal-runtime = .*/fal-runtime = "0.1"/' "$here/Cargo.toml" > "$work/app/Cargo.toml"

# Until the packages are on crates.io, a patch says where they are.
echo '[patch.crates-io]' >> "$work/app/Cargo.toml"
for package in "$packages"/fal-*.crate; do
    tar -xzf "$package" -C "$work/crates"
    directory=$work/crates/$(basename "$package" .crate)
    name=$(sed -n 's/^name = "\(.*\)"$/\1/p' "$directory/Cargo.toml" | head -n 1)
    echo "$name = { path = \"$directory\" }" >> "$work/app/Cargo.toml"
done

cd "$work/app"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/target}
cargo build

# The first line that it prints names its address, since the system picks the port.
mkfifo "$work/banner"
"$CARGO_TARGET_DIR/debug/minimal" --listen 127.0.0.1:0 --admin off > "$work/banner" &
server=$!
exec 3< "$work/banner"
read -r banner <&3
address=$(sed -n 's|.*\(http://[0-9.:]*\).*|\1|p' <<< "$banner")
answer=$(curl --silent --show-error --fail --max-time 60 "$address/" \
    -H 'content-type: application/json' -d '{"text": "to be or not"}')
[ "$answer" = '{"words":4}' ] || { echo "the answer is $answer; expected {\"words\":4}"; exit 1; }
echo "an app of packaged crates answers: $answer"
