#!/usr/bin/env bash
# Runs the program of this folder where there is no operating system: on a Cortex-M4 (in QEMU) and
# as WebAssembly (in node). Both must print what the file given as the argument says: what the
# program printed on this machine.
#
# rustup has the libraries of both ready. Without rustup, Debian's compiler is unpacked into a folder
# of ours (not installed) and compiles them first. What could not be run is said loudly; only a
# program that ran and printed something else is an error.
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

# Unpacks Debian's compiler and the source of its libraries, once; prints the folder.
debian_rustc() {
  local folder="${XDG_CACHE_HOME:-$HOME/.cache}/nearsay-ci/rustc-web" std llvm package
  if [ ! -e "$folder/complete" ]; then
    rm -rf "$folder" && mkdir -p "$folder/packages" || return
    # The lists of packages must be of today, or the packages in them are gone.
    [ "$(id -u)" != 0 ] || apt-get update -qq >&2 || return
    std="$(apt-cache depends libstd-rust-web-dev | awk '/Depends: libstd-rust-web-/ { print $2 }')"
    llvm="$(apt-cache depends "$std" | awk '/Depends: libllvm/ { print $2 }')"
    (cd "$folder/packages" &&
      apt-get download -qq -o APT::Sandbox::User="$(id -un)" \
        rustc-web rust-web-src libstd-rust-web-dev "$std" "$llvm" >&2) || return
    for package in "$folder"/packages/*.deb; do
      # Of the sources, those of the libraries only.
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
  # Compiling `core` is for nightly compilers; a stable one does it when told so.
  export RUSTC_BOOTSTRAP=1
  # What cargo knows of the compiler of this name is of another.
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

# same NAME COMMAND…: runs a command and compares.
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
