#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""kmod_seeds.py DIR: sequences of requests for kmod_fuzz.c to begin with, one of each
command and some that need one another."""

import os
import sys

from kmod_nl import CMD, ip4, ip6, meta, request, u8, u32, u64

SA_ADD, SA_DEL, SA_FLUSH = 0xfd, 0xfe, 0xff
DUMP = 1


def ask(name, flags=0, **attrs):
    body = request(**attrs)
    return bytes((CMD[name], flags, len(body))) + body


def sad(op, *picks):
    return bytes((op, 0, len(picks))) + bytes(picks)


HUB = dict(remote_ipv4=ip4("10.0.0.2"), remote_len=u8(32))
META = dict(meta=meta(map=b"tohub\0", map_seq=u32(1), index=u32(0), flags=u32(1), idle_time=u32(100),
                      one_way=u32(50), cookie=u64(7)))
RULE = ask("rule-new", **HUB, **META)
SAS = sad(SA_ADD, 0, 1, 8, 9)

SEEDS = {
    "info": ask("info-get"),
    "rule": RULE + ask("rule-get", rule_id=u32(1)) + ask("rule-set", rule_id=u32(1), **META) +
            ask("rule-get", DUMP) + ask("rule-del", **HUB),
    "rule6": ask("rule-new", remote_ipv6=ip6("fd00::"), remote_len=u8(64), local_ipv6=ip6("fd00::1"),
                 local_len=u8(128), reqid=u32(3), if_id=u32(1), mark=u32(1), mark_mask=u32(255),
                 proto=u8(50), **META) + ask("rule-get", DUMP),
    "sas": SAS + ask("sa-get", DUMP) + ask("sa-get", sa_id=u32(1)) +
           ask("sa-get", dst_ipv4=ip4("10.0.0.1"), spi=(0x100).to_bytes(4, "big"), proto=u8(50)),
    "own": SAS + ask("sa-set", sa_id=u32(1), **META) + ask("sa-set", sa_id=u32(1)),
    "pairs": SAS + RULE + ask("pair-get", DUMP) + ask("pair-get", pair_id=u32(1)) +
             ask("pair-get", DUMP, reqid=u32(0), state=u8(0)),
    "peers": SAS + RULE + ask("peer-get", DUMP) + ask("peer-get", peer_id=u32(1)) +
             ask("peer-heard", peer_id=u32(1), stamp=u64(1)),
    "churn": SAS + sad(SA_ADD, 4, 5, 12) + ask("sa-get", DUMP) + sad(SA_DEL, 0, 8) + ask("pair-get", DUMP) +
             sad(SA_FLUSH) + ask("peer-get", DUMP),
}

if __name__ == "__main__":
    for name, text in SEEDS.items():
        with open(os.path.join(sys.argv[1], name), "wb") as out:
            out.write(text)
