"""`python -m cs231n_utils.data list` and `python -m cs231n_utils.data fetch coco`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from cs231n_utils.data.archive import BrokenArchive, UnsafeArchive
from cs231n_utils.data.download import (
    ChecksumMismatch,
    DownloadFailed,
    data_folder,
    fetch,
    find,
)
from cs231n_utils.data.registry import DOWNLOADS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0, or 1 after an error that was explained."""
    parser = argparse.ArgumentParser(
        prog="python -m cs231n_utils.data", description="Download data for the notebooks."
    )
    parser.add_argument(
        "--root", help="where downloads are kept (default: $CS231N_DATA or a cache)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="show what can be fetched, and what is here")
    fetching = commands.add_parser("fetch", help="fetch a dataset, or go on fetching it")
    fetching.add_argument("name", choices=sorted(DOWNLOADS))
    options = parser.parse_args(arguments)

    if options.command == "list":
        print(f"Downloads are kept in {data_folder(options.root)}")
        for name, download in DOWNLOADS.items():
            here = "here" if find(download, options.root) else "not fetched"
            print(f"{name:18} {here:12} {download.about}")
        return 0
    try:
        folder = fetch(DOWNLOADS[options.name], options.root)
    except (DownloadFailed, ChecksumMismatch, UnsafeArchive, BrokenArchive) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.name} is in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
