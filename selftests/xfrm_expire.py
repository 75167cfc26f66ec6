#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The soft end of an SA, now: XFRM_MSG_EXPIRE by user space, as `ip xfrm` cannot.

xfrm_expire.py DST SPI [ah]   in the namespace of the SA; SPI in hex. The kernel tells its
listeners, as when a limit is reached; the SA lives on.
"""
import socket
import struct
import sys

NETLINK_XFRM, XFRM_MSG_EXPIRE, NLMSG_ERROR = 6, 0x18, 2
NLM_F_REQUEST, NLM_F_ACK = 1, 4
INFO_LEN, FAMILY_AT = 224, 212  # of struct xfrm_usersa_info
SELECTOR_LEN = 56
ESP, AH = 50, 51


def expire(dst, spi, proto):
    family = socket.AF_INET6 if ":" in dst else socket.AF_INET
    body = bytearray(INFO_LEN + 8)  # struct xfrm_user_expire; hard stays 0
    daddr = socket.inet_pton(family, dst)
    body[SELECTOR_LEN:SELECTOR_LEN + len(daddr)] = daddr
    struct.pack_into(">IB", body, SELECTOR_LEN + 16, spi, proto)
    struct.pack_into("=H", body, FAMILY_AT, family)
    head = struct.pack("=IHHII", 16 + len(body), XFRM_MSG_EXPIRE, NLM_F_REQUEST | NLM_F_ACK, 1, 0)
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM)
    s.send(head + body)
    answer = s.recv(4096)
    kind, error = struct.unpack_from("=4xH10xi", answer)
    return -error if kind == NLMSG_ERROR else 0


if __name__ == "__main__":
    code = expire(sys.argv[1], int(sys.argv[2], 16), AH if sys.argv[3:] == ["ah"] else ESP)
    if code:
        sys.exit(f"xfrm_expire.py: {sys.argv[1]} {sys.argv[2]}: errno {code}")
