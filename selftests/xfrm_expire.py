#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The end of an SA, now: XFRM_MSG_EXPIRE by user space, as `ip xfrm` cannot.

xfrm_expire.py [--hard] DST SPI [ah] [COUNT]   in the namespace of the SA; SPI in hex,
the first of COUNT in a row; ESP unless "ah". The kernel tells its listeners, as when a
limit is reached. After a soft end the SA lives on, after a hard one it is gone.
"""
import socket
import struct
import sys

NETLINK_XFRM, XFRM_MSG_EXPIRE, NLMSG_ERROR = 6, 0x18, 2
NLM_F_REQUEST, NLM_F_ACK = 1, 4
INFO_LEN, FAMILY_AT = 224, 212  # of struct xfrm_usersa_info
SELECTOR_LEN = 56
ESP, AH = 50, 51


def expire(s, dst, spi, proto, hard):
    """An errno."""
    family = socket.AF_INET6 if ":" in dst else socket.AF_INET
    body = bytearray(INFO_LEN + 8)  # struct xfrm_user_expire
    daddr = socket.inet_pton(family, dst)
    body[SELECTOR_LEN:SELECTOR_LEN + len(daddr)] = daddr
    struct.pack_into(">IB", body, SELECTOR_LEN + 16, spi, proto)
    struct.pack_into("=H", body, FAMILY_AT, family)
    body[INFO_LEN] = hard
    head = struct.pack("=IHHII", 16 + len(body), XFRM_MSG_EXPIRE, NLM_F_REQUEST | NLM_F_ACK, 1, 0)
    s.send(head + body)
    answer = s.recv(4096)
    kind, error = struct.unpack_from("=4xH10xi", answer)
    return -error if kind == NLMSG_ERROR else 0


def main(words):
    hard, proto = "--hard" in words, AH if "ah" in words else ESP
    dst, first, *count = [w for w in words if w not in ("--hard", "ah")]
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM)
    for spi in range(int(first, 16), int(first, 16) + int(count[0] if count else 1)):
        code = expire(s, dst, spi, proto, hard)
        if code:
            sys.exit(f"xfrm_expire.py: {dst} {spi:#x}: errno {code}")


if __name__ == "__main__":
    main(sys.argv[1:])
