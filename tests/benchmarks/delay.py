"""A link with a delay, on this machine: a TUN device whose packets come back later.

A connection to PEER reaches whoever listens on HOST: addresses are swapped on the way, so that the kernel
takes what it has sent for something that came from elsewhere. Unlike a relay between sockets this delays
the handshakes of TCP, too.

The device offers TCP segmentation offload: the kernel hands over up to 64 KiB of segments at a time, and
takes them back as they are. So the link carries more than the programs need, while TCP still counts its
congestion window in segments of 1,460 bytes.

The link counts round trips as well, by logical clocks: a packet arrives half a round trip after whatever
its sender had received before it was sent. That is exact as long as the delay is longer than what client
and server need to think.
"""

import errno
import fcntl
import heapq
import os
import select
import struct
import subprocess
import threading
import time

DEVICE = '/dev/net/tun'
HOST = '10.203.0.1'
PEER = '10.203.0.2'

TUNSETIFF = 0x400454CA
TUNSETOFFLOAD = 0x400454D0
# IFF_TUN, IFF_NO_PI and IFF_VNET_HDR.
FLAGS = 0x0001 | 0x1000 | 0x4000
# TUN_F_CSUM and TUN_F_TSO4.
OFFLOAD = 0x01 | 0x02
# The size of struct virtio_net_hdr, which precedes each packet and is returned with it unchanged.
HEADER = 10
LARGEST = HEADER + 65535
FIN, SYN, ACK = 0x01, 0x02, 0x10

# How many packets are read before those that are due are sent on.
BATCH = 16

# A link of limited rate holds back this many seconds' worth of data, and drops what exceeds that.
HOLDS = 0.1


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
        self.device = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.device, TUNSETIFF, struct.pack('16sH22x', name.encode(), FLAGS))
        fcntl.ioctl(self.device, TUNSETOFFLOAD, OFFLOAD)
        subprocess.run(['ip', 'addr', 'add', HOST + '/30', 'dev', name], check=True)
        subprocess.run(['ip', 'link', 'set', name, 'txqueuelen', '10000', 'up'], check=True)
        self.control_ports = control_ports
        self.queue = []
        self.number = 0
        self.lock = threading.Lock()
        self.reset()
        threading.Thread(target=self._run, daemon=True).start()

    def reset(self, delay=0.0, rate=None):
        """Begins to count anew; `delay` is that of one direction, in seconds, `rate` in bytes per second.

        Without a rate, packets are only delayed.
        """
        with self.lock:
            self.delay = delay
            self.rate = rate
            # When the last packet has been sent, to the client and to the server.
            self.sent = {'client': 0.0, 'server': 0.0}
            self.dropped = 0
            self.flows = {}
            # Per side: everything, and without the handshakes of data connections.
            self.clocks = {'client': [0.0, 0.0], 'server': [0.0, 0.0]}
            self.last_data = [0.0, 0.0]
            # Packets in flight belong to the events before.
            self.queue = [(due, number, packet, None) for due, number, packet, _ in self.queue]

    def _run(self):
        buffer = bytearray(LARGEST)
        timeout = None
        while True:
            ready, _, _ = select.select([self.device], [], [], timeout)
            with self.lock:
                if ready:
                    self._read(buffer)
                self._write()
                timeout = max(0.0, self.queue[0][0] - time.monotonic()) if self.queue else None

    def _read(self, buffer):
        for _ in range(BATCH):
            try:
                length = os.readv(self.device, [buffer])
            except BlockingIOError:
                return
            packet = buffer[:length]
            if packet[HEADER] >> 4 != 4 or packet[HEADER + 9] != 6:
                continue
            source, target = packet[HEADER + 12:HEADER + 16], packet[HEADER + 16:HEADER + 20]
            packet[HEADER + 12:HEADER + 20] = target + source
            to, arrival = self._stamp(packet)
            due = self._sent(to, length - HEADER)
            if due is None:
                self.dropped += 1
                continue
            self.number += 1
            heapq.heappush(self.queue, (due + self.delay, self.number, packet, arrival))

    def _sent(self, to, length):
        """When the last bit of a packet leaves; None if there is no room for it."""
        now = time.monotonic()
        if self.rate is None:
            return now
        begun = max(now, self.sent[to])
        if begun - now > HOLDS:
            return None
        self.sent[to] = begun + length / self.rate
        return self.sent[to]

    def _stamp(self, packet):
        """The side that receives the packet, and what its arrival does to the clocks."""
        tcp = HEADER + (packet[HEADER] & 15) * 4
        source, target = struct.unpack_from('!HH', packet, tcp)
        flags = packet[tcp + 13]
        payload = len(packet) - tcp - (packet[tcp + 12] >> 4) * 4
        if flags & (SYN | ACK) == SYN:
            flow = Flow(source, target not in self.control_ports, self.clocks['client'])
            self.flows[source, target] = self.flows[target, source] = flow
        flow = self.flows.get((source, target))
        if flow is None:
            return 'client', None
        to = 'server' if source == flow.client_port else 'client'
        if flow.handshake and not payload:
            stamp = [flow.handshake[0] + 0.5, flow.handshake[1] + (0.0 if flow.data else 0.5)]
            flow.handshake = stamp if flags & SYN else None
        elif payload or flags & FIN:
            sender = self.clocks['client' if to == 'server' else 'server']
            stamp = [sender[0] + 0.5, sender[1] + 0.5]
        else:
            # A bare ACK means nothing to the protocols above.
            return to, None
        return to, (to, stamp, flow.data and payload > 0)

    def _write(self):
        while self.queue and self.queue[0][0] <= time.monotonic():
            _, _, packet, arrival = heapq.heappop(self.queue)
            if arrival:
                to, stamp, data = arrival
                clock = self.clocks[to]
                self.clocks[to] = [max(pair) for pair in zip(clock, stamp)]
                if data and to == 'client':
                    self.last_data = list(stamp)
            try:
                os.write(self.device, packet)
            except OSError as error:
                # The system is short of memory, or the device is down: a packet less, as on any link.
                if error.errno not in (errno.EAGAIN, errno.ENOBUFS, errno.EIO):
                    raise
                self.dropped += 1
