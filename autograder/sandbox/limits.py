"""How much one student's code may take."""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True)
class Limits:
    """All limits of one session. Times are in seconds of wall time and sizes in bytes, unless the
    name says otherwise.
    """

    start_seconds: float = 60.0
    """Until the student's process greets."""
    cell_seconds: float = 60.0
    """One cell; then it is interrupted."""
    call_seconds: float = 5.0
    """One call of a student's function; then it is interrupted."""
    submission_seconds: float = 300.0
    """All cells and calls of one session together; then the session ends. Time that the grader
    spends itself is not counted.
    """
    grace_seconds: float = 2.0
    """Between an interrupt and the end of the session, when the interrupt is ignored."""

    address_space: int | None = 8 * GIB
    """Virtual memory of the process. NumPy and a torch without CUDA map about 0.7 GiB, a torch with
    CUDA 4.8 GiB when it is imported. None to use a GPU, which maps far more than it uses.
    """
    private_memory: int = 4 * GIB
    """Private, writable memory of the process: what NumPy and Python allocate."""
    resident_memory: int = 5 * GIB
    """What really lies in memory, of all processes and their files in memory together. Counted by a
    control group where one can be had (see cgroups.py), or by the container.
    """
    cpu_seconds: int = 600
    """Processor time of the process, all threads together."""
    file_size: int = 64 * MIB
    """One file."""
    open_files: int = 256
    """Descriptors open at a time."""
    processes: int = 64
    """Threads at a time (other processes are refused altogether)."""
    tmp_bytes: int = 256 * MIB
    """Each of /tmp and /job, which are in memory."""
    shared_memory_bytes: int = 16 * MIB
    """/dev/shm."""
    inodes: int = 4096
    """Files and folders in each of /tmp and /job, where the backend can bound them."""

    output_bytes: int = 1 * MIB
    """Outputs of one cell that are kept; what comes after is cut."""
    flood_bytes: int = 16 * MIB
    """Outputs of one cell after which it is stopped."""
    submission_output_bytes: int = 4 * MIB
    """Outputs of all cells together that are kept; later ones are left out, with a line."""
    submission_flood_bytes: int = 64 * MIB
    """Outputs of one process, kept or not, after which it is ended."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is None and name == "address_space":
                continue
            if not value > 0:
                raise ValueError(f"{name} must be above 0. Got {value}")

    def rlimits(self, *, count_processes: bool = True) -> dict[str, list[int]]:
        """Return {name in `resource`: [soft, hard]}.

        `count_processes` is False where the kernel would count the grader's own processes too.
        """
        limits = {
            # The soft limit's signal can be ignored; the hard limit's cannot.
            "RLIMIT_CPU": [self.cpu_seconds, self.cpu_seconds + 2],
            "RLIMIT_DATA": [self.private_memory] * 2,
            "RLIMIT_FSIZE": [self.file_size] * 2,
            "RLIMIT_NOFILE": [self.open_files] * 2,
            "RLIMIT_CORE": [0, 0],
            "RLIMIT_MEMLOCK": [8 * MIB] * 2,
            "RLIMIT_MSGQUEUE": [0, 0],
            "RLIMIT_STACK": [8 * MIB, 64 * MIB],
        }
        if self.address_space is not None:
            limits["RLIMIT_AS"] = [self.address_space] * 2
        if count_processes:
            limits["RLIMIT_NPROC"] = [self.processes] * 2
        return limits
