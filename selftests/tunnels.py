#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets through many tunnels until each has carried one.

usage: tunnels.py COUNT SECONDS FROM_NS FROM_NET TO_NS TO_NET

Tunnel N goes from 10.(FROM_NET + N / 250).(N % 250).1 to the same of TO_NET. Prints how
long it took, in seconds, and how many have carried none.
"""

import ctypes
import os
import select
import socket
import struct
import sys
import time

IP_PKTINFO = 8  # linux/in.h; the socket module does not have it
PORT = 7777
AGAIN = 0.25  # s between two packets through one that has carried none yet


def enter(ns):
    """From now on in that network namespace; sockets stay where they were made."""
    with open(f"/run/netns/{ns}", "rb") as f:
        if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), 0):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), ns)


def udp(ns):
    enter(ns)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.setblocking(False)
    return s


def host(net, n):
    return f"10.{net + n // 250}.{n % 250}.1"


def send(s, src, dst):
    info = struct.pack("=I4s4s", 0, socket.inet_aton(src), bytes(4))
    try:
        s.sendmsg([b"x"], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, (dst, PORT))
    except OSError:
        pass  # no SA yet: again in a moment


def arrived(s):
    """Addresses that packets were for."""
    while True:
        try:
            ancillary = s.recvmsg(16, 64)[1]
        except BlockingIOError:
            return
        for level, kind, data in ancillary:
            if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO):
                yield socket.inet_ntoa(data[8:12])


def main():
    count, limit = int(sys.argv[1]), float(sys.argv[2])
    from_net, to_net = int(sys.argv[4]), int(sys.argv[6])
    rx, tx = udp(sys.argv[5]), udp(sys.argv[3])
    rx.bind(("", PORT))
    lacking = {host(to_net, n): host(from_net, n) for n in range(1, count + 1)}
    begin = time.monotonic()
    while lacking and time.monotonic() < begin + limit:
        for dst, src in lacking.items():
            send(tx, src, dst)
        until = time.monotonic() + AGAIN
        while lacking and (left := until - time.monotonic()) > 0:
            select.select([rx], [], [], left)
            for dst in arrived(rx):
                lacking.pop(dst, None)
    print(f"{time.monotonic() - begin:.3f} {len(lacking)}")


main()
