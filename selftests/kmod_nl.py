# SPDX-License-Identifier: GPL-2.0
#
# The family in raw netlink: a good client sends no bad requests, and the tests
# want some.

import copy
import os
import socket
import struct

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_APPEND = 0x100, 0x200, 0x400, 0x800
NETLINK_GENERIC, SOL_NETLINK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 16, 270, 11, 12
NLMSG_ERROR, NLMSG_DONE, NLM_F_CAPPED, NLM_F_ACK_TLVS = 2, 3, 0x100, 0x200
GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
MSG, OFFS, MISS_TYPE = 1, 2, 5
NESTED = 0x8000


def header_enum(path, first):
    """Names and values of the uapi header's enum that begins with FIRST."""
    prefix = first[:first.rindex("_") + 1] if first.endswith("_PAD") else "PREFPEER_CMD_"
    values = {}
    for line in open(path):
        word = line.strip().split(" ")[0].rstrip(",")
        if word == first or (values and word.startswith(prefix)):
            values[word[len(prefix):].lower().replace("_", "-")] = len(values) + 1
        elif values:
            return values
    raise SystemExit("%s is not in %s" % (first, path))


here = os.path.dirname(os.path.realpath(__file__))
# Of this project, of a kernel's tree, and as installed.
uapi = next((path for path in (here + "/../uapi/linux/prefpeer.h",
                               here + "/../../../../../include/uapi/linux/prefpeer.h",
                               "/usr/include/linux/prefpeer.h") if os.path.exists(path)), "linux/prefpeer.h")
ATTR = header_enum(uapi, "PREFPEER_A_PAD")
META = header_enum(uapi, "PREFPEER_A_META_PAD")
CMD = header_enum(uapi, "PREFPEER_CMD_INFO_GET")


def attr(kind, data):
    data = bytes(data)
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def u8(v):
    return struct.pack("=B", v)


def u32(v):
    return struct.pack("=I", v)


def u64(v):
    return struct.pack("=Q", v)


def ip4(text):
    return socket.inet_aton(text)


def ip6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def meta(**kw):
    return b"".join(attr(META[k.replace("_", "-")], v) for k, v in kw.items())


class Family:
    def __init__(self):
        self.open()
        self.id = GENL_ID_CTRL
        reply = self.ask(CTRL_CMD_GETFAMILY, attr(CTRL_ATTR_FAMILY_NAME, b"prefpeer\0"))[3]
        self.about = self.attrs(reply[20:])
        self.id = struct.unpack("=H", self.about[CTRL_ATTR_FAMILY_ID])[0]

    def open(self):
        self.fd = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.fd.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.fd.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
        self.fd.settimeout(60)
        self.seq = 0

    def again(self):
        """The same family through a socket of its own."""
        other = copy.copy(self)
        other.open()
        return other

    @staticmethod
    def attrs(data):
        out = {}
        while len(data) >= 4:
            size, kind = struct.unpack_from("=HH", data)
            out[kind & 0x3fff] = data[4:size]
            data = data[(size + 3) & ~3:]
        return out

    def ask(self, cmd, payload, flags=NLM_F_ACK, reserved=0):
        """(errno, sentence, attribute blamed or missing, last reply)"""
        self.seq += 1
        body = struct.pack("=BBH", cmd, 1, reserved) + payload
        request = struct.pack("=IHHII", 16 + len(body), self.id, NLM_F_REQUEST | flags,
                              self.seq, 0) + body
        self.fd.send(request)
        reply = None
        while True:
            data = self.fd.recv(65536)
            while data:
                size, kind, nlflags = struct.unpack_from("=IHH", data)
                message, data = data[:size], data[(size + 3) & ~3:]
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    return self.verdict(message, kind, nlflags, request) + (reply,)
                reply = message

    def verdict(self, message, kind, nlflags, request):
        err = -struct.unpack_from("=i", message, 16)[0]
        tlvs = b""
        if nlflags & NLM_F_ACK_TLVS:
            skip = 20
            if kind == NLMSG_ERROR:
                size = struct.unpack_from("=I", message, 20)[0]
                skip = 36 if nlflags & NLM_F_CAPPED else 20 + ((size + 3) & ~3)
            tlvs = message[skip:]
        tlv = self.attrs(tlvs)
        text = tlv.get(MSG, b"\0")[:-1].decode()
        blamed = None
        if OFFS in tlv:
            at = struct.unpack("=I", tlv[OFFS])[0]
            blamed = struct.unpack_from("=H", request, at + 2)[0] & 0x3fff
        if MISS_TYPE in tlv:
            blamed = "miss %d" % struct.unpack("=I", tlv[MISS_TYPE])[0]
        return err, text, blamed


def request(**kw):
    out = b""
    for name, value in kw.items():
        kind = ATTR[name.replace("_", "-")]
        out += attr(kind | (NESTED if name == "meta" else 0), value)
    return out
