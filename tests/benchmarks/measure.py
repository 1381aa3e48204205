"""What a program takes, in time and processor time."""

import os
import statistics
import subprocess
import threading
import time

from counters import Counters

# Programs that take longer are left out: in seconds.
LONGEST = 30

# How often the memory of a program is looked at, in seconds.
LOOK = 0.02

COUNTERS = Counters()


class Failed(Exception):
    pass


class Measured:
    """What a run took."""

    def __init__(self, seconds, processor, memory, counted):
        self.seconds = seconds
        self.processor = processor
        # By the names of the counters that this machine has.
        self.counted = counted
        # Peak memory in MiB; 0 for a program that has ended before it was looked at.
        self.memory = memory


def _start(command):
    return subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def measure_together(commands, longest=LONGEST):
    """The seconds until the last of these programs has ended, which run at the same time."""
    begun = time.monotonic()
    children = [_start(command) for command in commands]
    late = threading.Timer(longest, lambda: [child.kill() for child in children])
    late.start()
    messages = [child.communicate()[1] for child in children]
    seconds = time.monotonic() - begun
    late.cancel()
    for child, message in zip(children, messages):
        if child.returncode:
            raise Failed(f'exit status {child.returncode}: {message.decode(errors="replace")[-300:]}')
    return seconds


class Peak(threading.Thread):
    """The peak memory of a process in MiB, looked at while it runs.

    What wait4 returns is at least what this program had when it started the process.
    """

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.status = f'/proc/{pid}/status'
        self.memory = 0.0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(LOOK):
            try:
                lines = open(self.status).read().splitlines()
            except OSError:
                return
            found = [line.split()[1] for line in lines if line.startswith('VmHWM')]
            self.memory = max([self.memory, *(int(kib) / 1024 for kib in found)])


def measure(command, longest=LONGEST):
    before = COUNTERS.read()
    begun = time.monotonic()
    child = _start(command)
    peak = Peak(child.pid)
    peak.start()
    late = threading.Timer(longest, child.kill)
    late.start()
    message = child.stderr.read()
    peak.ended.set()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - begun
    late.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        text = ' '.join(message.decode(errors='replace').split())
        raise Failed(f'exit status {child.returncode}: {text[-300:]}')
    return Measured(seconds, usage.ru_utime + usage.ru_stime, peak.memory, COUNTERS.since(before))


def middle_half(values):
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method='inclusive')
    return low, high
