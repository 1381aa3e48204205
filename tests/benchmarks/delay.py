"""A link with a delay, on this machine: a TUN device whose packets come back later.

A connection to PEER reaches whoever listens on HOST: addresses are swapped on the way, so that the kernel
takes what it has sent for something that came from elsewhere. Unlike a relay between sockets this delays
the handshakes of TCP, too.

The link counts round trips as well, by logical clocks: a packet arrives half a round trip after whatever
its sender had received before it was sent. That is exact as long as the delay is longer than what client
and server need to think.
"""

import fcntl
import heapq
import os
import struct
import subprocess
import threading
import time

DEVICE = '/dev/net/tun'
HOST = '10.203.0.1'
PEER = '10.203.0.2'

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
FIN, SYN, ACK = 0x01, 0x02, 0x10


class NoLink(Exception):
    """This machine has no device for one."""


class Flow:
    """A TCP connection."""

    def __init__(self, client_port, data, begun):
        self.client_port = client_port
        self.data = data
        # The clocks of its handshake, which the operating systems do: no other event hurries or delays it. None once it
        # has ended.
        self.handshake = begun


class Link:
    def __init__(self, control_ports, name='ftpbench0'):
        self.device = os.open(DEVICE, os.O_RDWR)
        fcntl.ioctl(self.device, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TUN_NO_PI))
        subprocess.run(['ip', 'addr', 'add', HOST + '/30', 'dev', name], check=True)
        subprocess.run(['ip', 'link', 'set', name, 'up'], check=True)
        self.control_ports = control_ports
        self.delay = 0.0
        self.queue = []
        self.condition = threading.Condition()
        self.reset()
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._write, daemon=True).start()

    def reset(self, delay=0.0):
        """Begins to count anew; `delay` is that of one direction, in seconds."""
        with self.condition:
            self.delay = delay
            self.flows = {}
            # Per side: everything, and without the handshakes of data connections.
            self.clocks = {'client': [0.0, 0.0], 'server': [0.0, 0.0]}
            self.last_data = [0.0, 0.0]
            # Packets in flight belong to the events before.
            self.queue = [(due, number, packet, None) for due, number, packet, _ in self.queue]

    def _read(self):
        number = 0
        while True:
            packet = bytearray(os.read(self.device, 2048))
            if packet[0] >> 4 != 4 or packet[9] != 6:
                continue
            packet[12:16], packet[16:20] = packet[16:20], packet[12:16]
            with self.condition:
                arrival = self._stamp(packet)
                number += 1
                heapq.heappush(self.queue, (time.monotonic() + self.delay, number, packet, arrival))
                self.condition.notify()

    def _stamp(self, packet):
        """What the packet's arrival does to the clocks."""
        tcp = (packet[0] & 15) * 4
        source, target = struct.unpack_from('!HH', packet, tcp)
        flags = packet[tcp + 13]
        payload = struct.unpack_from('!H', packet, 2)[0] - tcp - (packet[tcp + 12] >> 4) * 4
        if flags & (SYN | ACK) == SYN:
            flow = Flow(source, target not in self.control_ports, self.clocks['client'])
            self.flows[source, target] = self.flows[target, source] = flow
        flow = self.flows.get((source, target))
        if flow is None:
            return None
        to = 'server' if source == flow.client_port else 'client'
        if flow.handshake and not payload:
            stamp = [flow.handshake[0] + 0.5, flow.handshake[1] + (0.0 if flow.data else 0.5)]
            flow.handshake = stamp if flags & SYN else None
        elif payload or flags & FIN:
            sender = self.clocks['client' if to == 'server' else 'server']
            stamp = [sender[0] + 0.5, sender[1] + 0.5]
        else:
            # A bare ACK means nothing to the protocols above.
            return None
        return to, stamp, flow.data and payload > 0

    def _write(self):
        while True:
            with self.condition:
                while not self.queue or self.queue[0][0] > time.monotonic():
                    self.condition.wait(
                        max(0.0, self.queue[0][0] - time.monotonic()) if self.queue else None)
                _, _, packet, arrival = heapq.heappop(self.queue)
                if arrival:
                    to, stamp, data = arrival
                    clock = self.clocks[to]
                    self.clocks[to] = [max(pair) for pair in zip(clock, stamp)]
                    if data and to == 'client':
                        self.last_data = list(stamp)
            os.write(self.device, packet)
