"""A seccomp filter without libseccomp: classic BPF, assembled here. x86_64 and aarch64.

Refused: other processes (fork, exec; threads are allowed), sockets, namespaces, mounts, tracing,
other processes' memory, kernel modules, io_uring, bpf, keys, shared memory that no other limit
sees, and every system call newer than this table. seccomp(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

# name: (x86_64, aarch64), from the kernel's tables; None where an architecture lacks the call.
REFUSED = {
    # other processes, other programs
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    # the network: the one socket that the runner needs is inherited. Landlock does not see
    # connect() to a path.
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200),
    # namespaces and mounts
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "move_mount": (429, 429),
    "open_tree": (428, 428), "mount_setattr": (442, 442),
    # other processes' memory and descriptors
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    # large kernel interfaces that no exercise needs
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "fanotify_init": (300, 262), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    # the machine
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "syslog": (103, 116), "acct": (163, 89),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "vhangup": (153, 58), "lookup_dcookie": (212, 18), "nfsservctl": (180, 42),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None), "uselib": (134, None),
    "ustat": (136, None), "sysfs": (139, None), "mknod": (133, None), "mknodat": (259, 33),
    # memory and queues that a limit on the address space or on /tmp does not count
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194),
    "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190), "msgget": (68, 186),
    "mq_open": (240, 180),
    # identity
    "setuid": (105, 146), "setgid": (106, 144), "setreuid": (113, 145), "setregid": (114, 143),
    "setresuid": (117, 147), "setresgid": (119, 149), "setgroups": (116, 159),
    "setfsuid": (122, 151), "setfsgid": (123, 152), "capset": (126, 91),
}  # fmt: skip
CLONE, CLONE3, IOCTL, SOCKETPAIR = (56, 220), (435, 435), (16, 29), (53, 199)
LAST_KNOWN = 450
SECCOMP = (317, 277)
NETWORK = ("socket", "connect", "bind")
# AUDIT_ARCH_* and the column of the tables above.
MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}

CLONE_THREAD = 0x00010000
CLONE_NAMESPACES = 0x7E020080  # NEWTIME NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWNET
TIOCSTI, TIOCLINUX = 0x5412, 0x541C  # put characters into a terminal's input
AF_UNIX = 1

# Offsets in struct seccomp_data; codes of classic BPF (linux/bpf_common.h); actions
# (linux/seccomp.h).
NUMBER, ARCH, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24
LOAD, IF_EQUAL, IF_AT_LEAST, IF_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL = 0x7FFF0000, 0x80000000
PR_SET_NO_NEW_PRIVS, SET_MODE_FILTER, FILTER_FLAG_TSYNC = 38, 1, 1


def refuse(number: int) -> int:
    """The action that makes a system call fail with this errno."""
    return 0x00050000 | number


def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One BPF instruction; the jumps count instructions to skip."""
    return struct.pack("<HBBI", code, if_true, if_false, value)


def build_filter(machine: str | None = None, *, sockets: bool = False) -> bytes:
    """Return the filter's instructions, 8 bytes each; with `sockets` it does not refuse NETWORK.

    Raises KeyError on a machine that is not in the tables.
    """
    arch, column = MACHINES[machine or platform.machine()]
    denied, absent = refuse(errno.EPERM), refuse(errno.ENOSYS)
    program = [
        step(LOAD, ARCH),
        step(IF_EQUAL, arch, if_true=1),
        step(RETURN, KILL),  # another calling convention (i386 on x86_64) has other numbers
        step(LOAD, NUMBER),
        step(IF_AT_LEAST, LAST_KNOWN + 1, if_false=1),
        step(RETURN, absent),  # too new to be judged, and x32: programs then use the older call
    ]
    for name, numbers in REFUSED.items():
        number = numbers[column]
        if number is not None and not (sockets and name in NETWORK):
            program += [step(IF_EQUAL, number, if_false=1), step(RETURN, denied)]
    # clone3 has its flags in memory, where a filter cannot look: "absent" makes libc use clone.
    program += [step(IF_EQUAL, CLONE3[column], if_false=1), step(RETURN, absent)]
    program += _only_for(
        CLONE[column],
        [
            step(LOAD, FIRST_ARGUMENT),
            step(IF_ANY_BIT, CLONE_NAMESPACES, if_true=1),
            step(IF_ANY_BIT, CLONE_THREAD, if_true=1),
            step(RETURN, denied),
            step(RETURN, ALLOW),
        ],
    )
    program += _only_for(
        SOCKETPAIR[column],  # asyncio wakes itself through one
        [
            step(LOAD, FIRST_ARGUMENT),
            step(IF_EQUAL, AF_UNIX, if_true=1),
            step(RETURN, denied),
            step(RETURN, ALLOW),
        ],
    )
    program += _only_for(
        IOCTL[column],
        [
            step(LOAD, SECOND_ARGUMENT),
            step(IF_EQUAL, TIOCSTI, if_true=1),
            step(IF_EQUAL, TIOCLINUX, if_false=1),
            step(RETURN, denied),
            step(RETURN, ALLOW),
        ],
    )
    program.append(step(RETURN, ALLOW))
    return b"".join(program)


def _only_for(number: int, body: list[bytes]) -> list[bytes]:
    """Run `body`, which must end in a RETURN, for one system call only."""
    return [step(IF_EQUAL, number, if_false=len(body)), *body]


def install(*, sockets: bool = False) -> bool:
    """Bind every thread of this process, for ever. Raises OSError when the kernel refuses.

    Returns False on a machine that is not in the tables, where nothing is bound.
    """
    machine = platform.machine()
    if machine not in MACHINES:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    program = build_filter(machine, sockets=sockets)
    buffer = ctypes.create_string_buffer(program, len(program))
    descriptor = struct.pack("@HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    number = SECCOMP[MACHINES[machine][1]]
    if libc.syscall(number, SET_MODE_FILTER, FILTER_FLAG_TSYNC, descriptor):
        code = ctypes.get_errno()
        raise OSError(code, f"seccomp: {os.strerror(code)}")
    return True
