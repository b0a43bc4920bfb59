#!/bin/sh
# Let bubblewrap make user namespaces on a machine whose AppArmor forbids it (Ubuntu 24.04 and later).
# Needs root: sudo tools/allow_bubblewrap.sh
# To undo: sudo rm /etc/apparmor.d/bwrap-course, then restart.
set -eu
restricted=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
if [ ! -e $restricted ] || [ "$(cat $restricted)" = 0 ]; then
    echo "AppArmor does not restrict user namespaces here: nothing to do."
    exit 0
fi
cat >/etc/apparmor.d/bwrap-course <<PROFILE
abi <abi/4.0>,
include <tunables/global>

profile bwrap-course $(command -v bwrap) flags=(unconfined) {
  userns,
}
PROFILE
apparmor_parser --replace /etc/apparmor.d/bwrap-course
