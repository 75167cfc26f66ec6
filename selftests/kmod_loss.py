#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
#
# kmod_loss.py COMMAND…: listen to SA events without reading while COMMAND
# makes more of them than the socket holds; then ENOBUFS must come once, and
# the number of the last one that was kept must fall short of the namespace's.

import errno
import struct
import subprocess
import sys

from kmod_nl import ATTR, CMD, Family

SOL_NETLINK, NETLINK_ADD_MEMBERSHIP = 270, 1
CTRL_ATTR_MCAST_GROUPS, GRP_NAME, GRP_ID, STATS_SEQ_SA = 7, 1, 2, 19

family = Family()
listener = Family()
group = None
for entry in Family.attrs(family.about[CTRL_ATTR_MCAST_GROUPS]).values():
    attrs = Family.attrs(entry)
    if attrs[GRP_NAME] == b"sa\0":
        group = struct.unpack("=I", attrs[GRP_ID])[0]
listener.fd.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
subprocess.run(sys.argv[1:], check=True)
reply = family.ask(CMD["info-get"], b"")[3]
newest = struct.unpack("=I", Family.attrs(Family.attrs(reply[20:])[ATTR["stats"]])[STATS_SEQ_SA])[0]

listener.fd.setblocking(False)
seqs, enobufs = [], 0
while True:
    try:
        data = listener.fd.recv(65536)
    except OSError as e:
        if e.errno == errno.ENOBUFS:
            enobufs += 1
            continue
        break
    while data:
        size = struct.unpack_from("=I", data)[0]
        seqs.append(struct.unpack("=I", Family.attrs(data[20:size])[ATTR["seq"]])[0])
        data = data[(size + 3) & ~3:]

print("%d events kept, the last of number %d; the namespace is at %d; %d ENOBUFS" %
      (len(seqs), seqs[-1], newest, enobufs))
sys.exit(0 if enobufs == 1 and seqs[-1] < newest and seqs == sorted(set(seqs)) else 1)
