#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Callers that do not exist: IKE_SA_INIT of as many addresses, a network of its own each.

flood.py TO COUNT FIRST [--return-cookies]

Caller N is 11.(N / 256).(N % 256).1, which has to be this machine's (ip route add local).
Some at a time, so that what is not answered was not meant to be, rather than lost
before a socket. Prints sent= answered= cookies= served=: requests, answers, those that
ask for a cookie, and those that open an IKE SA.
"""
import os
import select
import socket
import struct
import sys

IP_PKTINFO = 8  # linux/in.h; the socket module does not have it
PORT = 500
AT_ONCE = 16
QUIET = 0.05  # s without an answer: no more of them will come
# RFC 7296: payloads, the exchange, the notification
SA, KE, NONCE, NOTIFY, VENDOR = 33, 34, 40, 41, 43
IKE_SA_INIT, INITIATOR, COOKIE = 34, 0x08, 16390
X25519 = 31
AMPLE = 200   # bytes of a vendor ID: who asks at length need not come back for the answer


def transform(last, kind, number, attribute=b""):
    return struct.pack("!BBHBBH", 0 if last else 3, 0, 8 + len(attribute), kind, 0, number) + attribute


def proposal():
    """AES-GCM-16 of 128 bits, HMAC-SHA2-256, X25519"""
    body = (transform(False, 1, 20, struct.pack("!HH", 0x800e, 128)) + transform(False, 2, 5) +
            transform(True, 4, X25519))
    return struct.pack("!BBHBBBB", 0, 0, 8 + len(body), 1, 1, 0, 3) + body


def message(spi, ke, nonce, cookie):
    payloads = [(SA, proposal()), (KE, struct.pack("!HH", X25519, 0) + ke), (NONCE, nonce),
                (VENDOR, bytes(AMPLE))]
    if cookie:
        payloads.insert(0, (NOTIFY, struct.pack("!BBH", 0, 0, COOKIE) + cookie))
    body = b""
    for i, (_, data) in enumerate(payloads):
        following = payloads[i + 1][0] if i + 1 < len(payloads) else 0
        body += struct.pack("!BBH", following, 0, 4 + len(data)) + data
    return spi + bytes(8) + struct.pack("!BBBBII", payloads[0][0], 0x20, IKE_SA_INIT, INITIATOR,
                                        0, 28 + len(body)) + body


def cookie_in(answer):
    """None: it opens an IKE SA."""
    if answer[16] != NOTIFY or struct.unpack_from("!H", answer, 28 + 6)[0] != COOKIE:
        return None
    return answer[28 + 8:28 + struct.unpack_from("!H", answer, 28 + 2)[0]]


class Callers:
    def __init__(self, to, return_cookies):
        self.to, self.return_cookies = to, return_cookies
        self.sent = self.answered = self.cookies = self.served = 0
        self.said = {}  # by address: what its second request repeats
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(("", PORT))

    def send(self, source, cookie=None):
        info = struct.pack("=I4s4s", 0, source, bytes(4))
        self.socket.sendmsg([message(*self.said[source], cookie)],
                            [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, (self.to, PORT))
        self.sent += 1

    def call(self, n):
        source = bytes((11, n >> 8, n & 255, 1))
        self.said[source] = os.urandom(8), os.urandom(32), os.urandom(32)
        self.send(source)

    def listen(self):
        while self.answered < self.sent and select.select([self.socket], [], [], QUIET)[0]:
            answer, ancillary = self.socket.recvmsg(2048, 64)[:2]
            source = ancillary[0][2][8:12]
            cookie = cookie_in(answer)
            self.answered += 1
            if cookie is None:
                self.served += 1
                continue
            self.cookies += 1
            if self.return_cookies:
                self.send(source, cookie)


def main():
    to, count, first = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    callers = Callers(to, "--return-cookies" in sys.argv)
    for n in range(first, first + count):
        callers.call(n)
        if (n - first) % AT_ONCE == AT_ONCE - 1:
            callers.listen()
    callers.listen()
    print(f"sent={callers.sent} answered={callers.answered} cookies={callers.cookies} served={callers.served}")


main()
