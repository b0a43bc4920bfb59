"""Bound the number of files in folders that are in memory, then become another program.

bwrap bounds their bytes but not their inodes, and each costs the kernel memory. So it starts this
file first, with the one right that a remount takes; the next program starts without it. Run as
`python -I -S launch.py INODES FOLDER... -- PROGRAM...`; it imports the standard library only.
"""

import ctypes
import os
import sys

MS_NOSUID, MS_NODEV, MS_REMOUNT = 2, 4, 32
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4


def main(arguments: list[str]) -> None:
    end = arguments.index("--")
    inodes, folders, program = arguments[0], arguments[1:end], arguments[end + 1 :]
    libc = ctypes.CDLL(None, use_errno=True)
    for folder in folders:
        options = f"nr_inodes={inodes}".encode()
        flags = MS_REMOUNT | MS_NOSUID | MS_NODEV
        if libc.mount(b"tmpfs", folder.encode(), b"tmpfs", flags, options):
            code = ctypes.get_errno()
            raise OSError(code, f"bounding the files in {folder}: {os.strerror(code)}")
    if libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "giving up the right to mount")
    os.execvp(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1:])
