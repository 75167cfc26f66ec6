# SPDX-License-Identifier: GPL-2.0-or-later
#
# Netlink messages in a capture of nlmon: FILE FROM TO (ns of CLOCK_REALTIME).
# Prints messages, bytes, and per kind "family:type=count".

import collections
import struct
import sys

NETLINK_XFRM, NETLINK_GENERIC = 6, 16


def frames(data):
    """Time in ns, protocol and payload of each frame."""
    if struct.unpack_from("=I", data)[0] != 0xa1b23c4d:
        raise SystemExit("not a capture in nanoseconds")
    if struct.unpack_from("=I", data, 20)[0] != 253:
        raise SystemExit("not a capture of netlink")
    at = 24
    while at + 16 <= len(data):
        sec, nsec, size, full = struct.unpack_from("=IIII", data, at)
        if size != full:
            raise SystemExit("a frame was cut")
        frame = data[at + 16:at + 16 + size]
        yield sec * 1000000000 + nsec, struct.unpack_from("!H", frame, 14)[0], frame[16:]
        at += 16 + size


def messages(payload):
    while len(payload) >= 16:
        size, kind = struct.unpack_from("=IH", payload)
        if size < 16:
            return
        yield size, kind, payload[16] if len(payload) > 16 else 0
        payload = payload[(size + 3) & ~3:]


begin, end = int(sys.argv[2]), int(sys.argv[3])
total = length = 0
kinds = collections.Counter()
for when, protocol, payload in frames(open(sys.argv[1], "rb").read()):
    if not begin <= when < end:
        continue
    for size, kind, command in messages(payload):
        total += 1
        length += size
        name = {NETLINK_XFRM: "xfrm", NETLINK_GENERIC: "genl"}.get(protocol, str(protocol))
        kinds["%s:%d%s" % (name, kind, "/%d" % command if name == "genl" and kind >= 16 else "")] += 1
print(total, length, ",".join("%s=%d" % k for k in sorted(kinds.items())) or "none")
