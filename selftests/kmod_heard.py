#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
#
# kmod_heard.py STAMP LOCAL REMOTE: peer-heard, as the agent sends it.

import sys

from kmod_nl import Family, CMD, ip4, request, u64

err, text, blamed, reply = Family().ask(CMD["peer-heard"], request(
    stamp=u64(int(sys.argv[1])), local_ipv4=ip4(sys.argv[2]), remote_ipv4=ip4(sys.argv[3])))
if err:
    sys.exit("peer-heard: errno %d %s" % (err, text))
