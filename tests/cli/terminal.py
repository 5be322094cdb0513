"""A terminal that a program writes to."""

import os


def written_to(master):
    """Everything, until the other end of a pseudo-terminal is closed, which then is closed too."""
    written = b""
    try:
        while block := os.read(master, 4096):
            written += block
    except OSError:  # the other end is closed
        pass
    os.close(master)
    return written.decode()
