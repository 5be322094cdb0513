"""peers GROUP BYTES DISK [TMPFS]: the same measurements by the Python peers, for tools/bench; speaks as larder_bench does.

Before the names there is a line of JSON: the version of each peer, or null where it is not installed. The measurements of
GROUP, or of all groups GROUP-..., are in the module GROUP of this directory.
"""

import importlib
import importlib.util
import json
import sys

from common import VERSIONS, Peers


def main():
    group, large_bytes, disk, *tmpfs = sys.argv[1:]
    peers = Peers(group, int(large_bytes), {"disk": disk} | ({"tmpfs": tmpfs[0]} if tmpfs else {}))
    module = group.partition("-")[0]
    if importlib.util.find_spec(module):
        importlib.import_module(module).add(peers)
    print(json.dumps(VERSIONS), *peers.measurements, "", sep="\n", flush=True)
    try:
        for line in sys.stdin:
            try:
                print(f"{peers.measurements[line.strip()]():.9g}", flush=True)
            except Exception as error:  # the driver reports it
                print(f"error {type(error).__name__} {error}".replace("\n", " "), flush=True)
    finally:
        peers.close()


if __name__ == "__main__":
    main()
