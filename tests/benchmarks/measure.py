"""What a program takes, in time and processor time."""

import os
import statistics
import subprocess
import threading
import time

# Programs that take longer are left out: in seconds.
LONGEST = 30


class Failed(Exception):
    pass


class Measured:
    """What a run took."""

    def __init__(self, seconds, processor, memory):
        self.seconds = seconds
        self.processor = processor
        # Peak memory in MiB.
        self.memory = memory


def measure(command, longest=LONGEST):
    begun = time.monotonic()
    child = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    late = threading.Timer(longest, child.kill)
    late.start()
    message = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - begun
    late.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        text = ' '.join(message.decode(errors='replace').split())
        raise Failed(f'exit status {child.returncode}: {text[-300:]}')
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def middle_half(values):
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method='inclusive')
    return low, high
