"""Which cores clients and servers run on.

Left to the system, rates differ by a third from run to run: a server that is moved to its client's core, or away from
it, changes how both wait. So in the first table the client has a core of its own.
"""

import os
from contextlib import contextmanager
from pathlib import Path


def _tasks(process):
    return [int(task.name) for task in Path(f'/proc/{process}/task').iterdir()]


@contextmanager
def apart(servers):
    """Keeps these processes, and what they start, on the last core, and what this thread starts on the others."""
    cores = os.sched_getaffinity(0)
    last = {max(cores)}
    if len(cores) < 2:
        yield
        return
    try:
        _keep(servers, last)
        os.sched_setaffinity(0, cores - last)
        yield
    finally:
        os.sched_setaffinity(0, cores)
        _keep(servers, cores)


def _keep(servers, cores):
    for process in servers:
        try:
            for task in _tasks(process):
                os.sched_setaffinity(task, cores)
        except (FileNotFoundError, ProcessLookupError):
            # It has ended.
            pass
