#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Joins the groups of family prefpeer, says "joined", reads nothing until SIGUSR1, and
then everything: fails if a message is not of that family. A group's number may be
another family's by then."""

import signal
import socket
import struct
import sys

from kmod_nl import NETLINK_GENERIC, Family

SOL_NETLINK, NETLINK_ADD_MEMBERSHIP = 270, 1
CTRL_ATTR_MCAST_GROUPS, CTRL_ATTR_MCAST_GRP_ID = 7, 2


def main():
    family = Family()
    # before anybody can send it
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    fd = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
    # one without an address hears nothing
    fd.bind((0, 0))
    fd.setblocking(False)
    for group in family.attrs(family.about[CTRL_ATTR_MCAST_GROUPS]).values():
        number = struct.unpack("=I", family.attrs(group)[CTRL_ATTR_MCAST_GRP_ID])[0]
        fd.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, number)
    print("joined", flush=True)
    signal.sigwait({signal.SIGUSR1})
    ours = others = 0
    while True:
        try:
            data = fd.recv(65536)
        except BlockingIOError:
            break
        while data:
            size, kind = struct.unpack_from("=IH", data)
            ours += kind == family.id
            others += kind != family.id
            data = data[(size + 3) & ~3:]
    print("%d messages of ours, %d of another family" % (ours, others))
    return 0 if ours and not others else 1


if __name__ == "__main__":
    sys.exit(main())
