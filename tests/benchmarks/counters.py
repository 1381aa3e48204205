"""Instructions and cycles of a program, counted by the processor.

Virtual machines often have no such counters; then there are only the seconds that the system counts.
"""

import ctypes
import os
import platform
import struct
import subprocess
import sys

# perf_event_open(2)
SYSCALL = {'x86_64': 298, 'aarch64': 241}.get(platform.machine())
# Size of the first version of its structure, which every later system accepts.
SIZE = 64
HARDWARE, SOFTWARE = 0, 1
CYCLES, INSTRUCTIONS = 0, 1
TASK_CLOCK = 1
# Flags of the structure: counts the children, too.
INHERIT = 1 << 1


def opened(kind, event):
    """A descriptor that counts for this thread and the processes that it starts from now on; None if it can't be had.

    What a process has counted is added when it ends.
    """
    if SYSCALL is None:
        return None
    attributes = struct.pack('IIQQQQQ', kind, SIZE, event, 0, 0, 0, INHERIT)
    attributes = ctypes.create_string_buffer(attributes, SIZE)
    call = ctypes.CDLL(None, use_errno=True).syscall
    descriptor = call(SYSCALL, attributes, 0, -1, -1, 0)
    return None if descriptor < 0 else descriptor


def value(descriptor):
    return struct.unpack('Q', os.read(descriptor, 8))[0]


class Counters:
    """Those that this machine has, by their names."""

    def __init__(self):
        found = {'instructions': opened(HARDWARE, INSTRUCTIONS), 'cycles': opened(HARDWARE, CYCLES)}
        self.descriptors = {name: its for name, its in found.items() if its is not None}

    def read(self):
        return {name: value(its) for name, its in self.descriptors.items()}

    def since(self, before):
        return {name: value(its) - before[name] for name, its in self.descriptors.items()}


def errors():
    """Checks with a clock, which every machine has: whether a child's share is counted."""
    clock = opened(SOFTWARE, TASK_CLOCK)
    if clock is None:
        return
    before, used = value(clock), os.times()
    subprocess.run([sys.executable, '-c', 'sum(range(5_000_000))'], check=True)
    counted, now = (value(clock) - before) / 1e9, os.times()
    os.close(clock)
    child = now.children_user + now.children_system - used.children_user - used.children_system
    if counted < child / 2:
        yield f'{counted:.3f} s counted for a child that has used {child:.3f} s'
