#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Moves an SA and its policy's template to other addresses: XFRM_MSG_MIGRATE, as
MOBIKE does and `ip xfrm` cannot.

xfrm_migrate.py DIR SELECTOR_SRC SELECTOR_DST REQID OLD_SRC OLD_DST NEW_SRC NEW_DST
DIR in, out or fwd; the selector is that of the policy, IPv4 addresses of hosts; ESP
in tunnel mode. Prints when, in ns of CLOCK_BOOTTIME: starting a program takes its time.
The core makes a clone and deletes the original, and tells only that
addresses move.
"""
import socket
import struct
import sys
import time

NETLINK_XFRM, XFRM_MSG_MIGRATE, NLMSG_ERROR = 6, 0x21, 2
NLM_F_REQUEST, NLM_F_ACK = 1, 4
XFRMA_MIGRATE = 17
ESP, TUNNEL = 50, 1
DIRS = {"in": 0, "out": 1, "fwd": 2}


def address(text):
    return socket.inet_aton(text) + bytes(12)


def selector(src, dst):
    """struct xfrm_selector"""
    return address(dst) + address(src) + struct.pack("=8xHBBB3xiI", socket.AF_INET, 32, 32, 0, 0, 0)


def migrate(direction, sel_src, sel_dst, reqid, old, new):
    """@old, @new: (source, destination). An errno."""
    policy = selector(sel_src, sel_dst) + struct.pack("=IB3x", 0, DIRS[direction])
    move = b"".join(address(a) for a in (old[1], old[0], new[1], new[0]))
    move += struct.pack("=BBxxIHH", ESP, TUNNEL, reqid, socket.AF_INET, socket.AF_INET)
    attr = struct.pack("=HH", 4 + len(move), XFRMA_MIGRATE) + move
    body = policy + attr
    head = struct.pack("=IHHII", 16 + len(body), XFRM_MSG_MIGRATE, NLM_F_REQUEST | NLM_F_ACK, 1, 0)
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM)
    print(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    s.send(head + body)
    kind, error = struct.unpack_from("=4xH10xi", s.recv(4096))
    return -error if kind == NLMSG_ERROR else 0


if __name__ == "__main__":
    a = sys.argv[1:]
    code = migrate(a[0], a[1], a[2], int(a[3]), (a[4], a[5]), (a[6], a[7]))
    if code:
        sys.exit(f"xfrm_migrate.py: errno {code}")
