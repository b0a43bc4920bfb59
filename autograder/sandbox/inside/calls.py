"""The judge's requests, as they arrive over the wire: unpack, carry out, pack the reply.

What a request can ask for is written in `cs231n_utils.driving`, which `check` and the judge's own
process use too; this file is only the way in and out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cs231n_utils.driving import Driver, describe

from . import wire

# Under the session's own bound on a reply: an honest but huge answer gets a sentence, and does not
# look like an attack.
MAX_REPLY_BYTES = 48 << 20


class Calls:
    """Requests on one namespace. `handle` raises nothing but KeyboardInterrupt (a deadline)."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.driver = Driver(namespace)

    def handle(
        self, header: dict[str, Any], arrays: list[np.ndarray]
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Answer one request; header["body"] is its packed form.

        With header["fresh"], what earlier requests left here is let go of first.
        """
        packed: list[np.ndarray] = []
        try:
            if header.get("fresh"):
                self.driver.kept.clear()
            reply = self.driver.run(wire.unpack(header["body"], arrays))
            skeleton = wire.pack(reply, packed)
            size = sum(array.nbytes for array in packed)
            if size > MAX_REPLY_BYTES:
                raise ValueError(
                    f"a result must be at most {MAX_REPLY_BYTES >> 20} MiB. Got {size >> 20} MiB"
                )
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            packed = []
            skeleton = wire.pack({"error": describe(error)}, packed)
        return {"body": skeleton}, packed
