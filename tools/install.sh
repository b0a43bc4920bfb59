#!/bin/sh
# Install a system package with this machine's package manager: tools/install.sh PACKAGE
# When it cannot, it says what to do and exits 1.
set -eu
package=$1

give_up() {
    echo "Could not install $package: $1." >&2
    echo "Please install the package $package yourself, then run make again." >&2
    exit 1
}

root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || give_up "it takes root, and there is no sudo here"
    root=sudo
fi
if command -v apt-get >/dev/null 2>&1; then
    # A fresh image has no package lists yet, and an old list names versions that are gone.
    $root apt-get update -q || echo "apt-get update failed: using the lists that are here." >&2
    set -- $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends
elif command -v dnf >/dev/null 2>&1; then
    set -- $root dnf install -y
elif command -v pacman >/dev/null 2>&1; then
    set -- $root pacman -S --needed --noconfirm
elif command -v zypper >/dev/null 2>&1; then
    set -- $root zypper --non-interactive install
elif command -v apk >/dev/null 2>&1; then
    set -- $root apk add
else
    give_up "this machine has none of apt-get, dnf, pacman, zypper, apk"
fi
echo "Installing $package:" "$@" "$package"
"$@" "$package" || give_up "the package manager failed, see above"
