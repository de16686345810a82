#!/usr/bin/env bash
# Runs the program of this directory without an operating system: on a Cortex-M4 (in QEMU) and as
# WebAssembly (in Node). Both must print the contents of the file given as the argument: the output of
# the program on this machine.
#
# rustup provides the libraries of both targets. Without rustup, Debian's compiler is unpacked into a
# cache directory (not installed) and compiles them first. A target that can't run prints a warning;
# only different output is an error.
set -euo pipefail
expected="$(realpath "$1")"
cd "$(dirname "$0")"
here="$PWD"
target="$here/../../target/bare_metal"

not_tested() { printf '\n*** NOT TESTED: %s ***\n\n' "$1" >&2; }

targets=(thumbv7em-none-eabihf wasm32-unknown-unknown)
sysroot="$(rustc --print sysroot)"
linker="$(find "$sysroot/lib/rustlib" -path '*/bin/rust-lld' -print -quit)"
if [ -z "$linker" ]; then
  not_tested "bare metal: this toolchain has no rust-lld"
  exit 0
fi

# Unpacks Debian's compiler and the source of its libraries, once; prints the directory.
debian_rustc() {
  local folder="${XDG_CACHE_HOME:-$HOME/.cache}/nearsay-ci/rustc-web" std llvm package
  if [ ! -e "$folder/complete" ]; then
    rm -rf "$folder" && mkdir -p "$folder/packages" || return
    # Outdated package lists name packages that are gone.
    [ "$(id -u)" != 0 ] || apt-get update -qq >&2 || return
    std="$(apt-cache depends libstd-rust-web-dev | awk '/Depends: libstd-rust-web-/ { print $2 }')"
    llvm="$(apt-cache depends "$std" | awk '/Depends: libllvm/ { print $2 }')"
    (cd "$folder/packages" &&
      apt-get download -qq -o APT::Sandbox::User="$(id -un)" \
        rustc-web rust-web-src libstd-rust-web-dev "$std" "$llvm" >&2) || return
    for package in "$folder"/packages/*.deb; do
      # Only the libraries' sources.
      dpkg-deb --fsys-tarfile "$package" |
        tar -x -C "$folder" --no-wildcards-match-slash \
          --exclude='./usr/src/*/compiler' --exclude='./usr/src/*/src' || return
    done
    rm -r "$folder/packages"
    touch "$folder/complete"
  fi
  echo "$folder/usr"
}

libraries=()
if ls -d "${targets[@]/#/$sysroot/lib/rustlib/}" > /dev/null 2>&1; then
  : # They are there.
elif command -v rustup > /dev/null && timeout 120 rustup --quiet target add "${targets[@]}"; then
  : # Now they are.
elif usr="$(debian_rustc)"; then
  export RUSTC="$usr/bin/rustc" LD_LIBRARY_PATH="$usr/lib/x86_64-linux-gnu"
  # Compiling `core` needs a nightly compiler, or this variable with a stable one.
  export RUSTC_BOOTSTRAP=1
  # Cargo has cached facts about another compiler of this name.
  export CARGO_CACHE_RUSTC_INFO=0
  libraries=(-Zbuild-std=core,alloc)
else
  not_tested "bare metal: neither rustup nor Debian's rustc-web gives a compiler for ${targets[*]}"
  exit 0
fi

# build TARGET FLAGS ARGUMENTS…
build() {
  RUSTFLAGS="-C linker=$linker $2" cargo rustc --quiet --release --target "$1" \
    --target-dir "$target" "${libraries[@]}" "${@:3}"
}

# same NAME COMMAND…: runs a command and compares its output.
same() {
  local printed="$target/$1.txt"
  timeout 60 "${@:2}" > "$printed" || { cat "$printed"; echo "$1 failed"; exit 1; }
  diff "$expected" "$printed" || { echo "$1 gave other results than this machine"; exit 1; }
  echo "$1: all is well, and the same as on this machine"
}

if command -v qemu-system-arm > /dev/null; then
  build thumbv7em-none-eabihf "-C link-arg=-T$here/cortex_m.ld" --bin cortex_m --features cortex_m
  same Cortex-M4 qemu-system-arm -machine mps2-an386 -display none -monitor none -serial none \
    -chardev stdio,id=out -semihosting-config enable=on,target=native,chardev=out \
    -kernel "$target/thumbv7em-none-eabihf/release/cortex_m"
else
  not_tested "a Cortex-M4: there is no qemu-system-arm"
fi

if command -v node > /dev/null; then
  build wasm32-unknown-unknown "" --lib --crate-type cdylib
  same WebAssembly node wasm.mjs "$target/wasm32-unknown-unknown/release/nearsay_no_std.wasm"
else
  not_tested "WebAssembly: there is no node"
fi
