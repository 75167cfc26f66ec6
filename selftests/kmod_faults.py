#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Each allocation of each request, made to fail once: /proc/thread-self/fail-nth.

kmod_faults.py   in the namespace of hosts with SAs of pair 1 and a rule; prints a line
per request: how many sites failed, and as what. Fails if a request answers anything
but success or that memory was short, if it leaves what it refused, or if it does not
succeed when nothing fails.
"""

import errno
import os
import socket
import subprocess
import sys

from kmod_nl import CMD, NLM_F_ACK, NLM_F_DUMP, Family, ip4, meta, request, u8, u32, u64

# An answer that is lost for want of memory is EAGAIN here: none came.
SHORT = (0, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN)
SITES_MAX = 400
NTH = "/proc/thread-self/fail-nth"

HUB = dict(remote_ipv4=ip4("10.0.0.2"), remote_len=u8(32), reqid=u32(9))
META = dict(meta=meta(map=b"m\0", idle_time=u32(60000), one_way=u32(50)))


def fault(text):
    print(text)
    return 1


def rules():
    """How many there are; nothing fails meanwhile."""
    return sum(1 for _ in subprocess.run([sys.argv[1], "-j", "rule", "show"], check=True,
                                         stdout=subprocess.PIPE).stdout.split(b'"rule_id"')) - 1


def with_fault(n, act):
    """(what act returned, whether the Nth allocation was reached and failed)"""
    nth = os.open(NTH, os.O_RDWR)
    try:
        os.write(nth, b"%d\n" % n)
        got = act()
        os.lseek(nth, 0, os.SEEK_SET)
        left = int(os.read(nth, 16))
    finally:
        os.lseek(nth, 0, os.SEEK_SET)
        os.write(nth, b"0\n")
        os.close(nth)
    return got, left == 0


def ask(family, name, payload, flags):
    try:
        return family.ask(CMD[name], payload, flags)[0]
    except socket.timeout:
        return errno.EAGAIN
    except OSError as e:
        return e.errno


def main():
    plain = Family()
    cases = [
        ("rule-new", request(**HUB, **META), NLM_F_ACK, True),
        ("rule-set", None, NLM_F_ACK, False),
        ("rule-get", b"", NLM_F_DUMP, False),
        ("sa-get", b"", NLM_F_DUMP, False),
        ("pair-get", b"", NLM_F_DUMP, False),
        ("peer-get", b"", NLM_F_DUMP, False),
        ("sa-get", request(sa_id=u32(1)), NLM_F_ACK, False),
        ("sa-set", request(sa_id=u32(1), **META), NLM_F_ACK, False),
        ("pair-get", request(pair_id=u32(1)), NLM_F_ACK, False),
        ("peer-get", request(peer_id=u32(1)), NLM_F_ACK, False),
        ("peer-heard", request(peer_id=u32(1), stamp=u64(1)), NLM_F_ACK, False),
        ("info-get", b"", NLM_F_ACK, False),
        ("rule-del", request(**HUB), NLM_F_ACK, True),
    ]
    bad = 0
    for name, payload, flags, changes in cases:
        if payload is None:
            payload = request(rule_id=u32(1), **META)
        codes, n, code = {}, 0, 0
        before = rules()
        for n in range(1, SITES_MAX):
            family = plain.again()
            # of an answer that is lost: nothing more comes
            family.fd.settimeout(0.5)
            code, failed = with_fault(n, lambda: ask(family, name, payload, flags))
            family.fd.close()
            if not failed:
                break
            codes[code] = codes.get(code, 0) + 1
            if code not in SHORT:
                bad |= fault("%s, allocation %d: errno %d" % (name, n, code))
            if changes and rules() != before:
                if code == errno.ENOMEM:
                    bad |= fault("%s, allocation %d: refused, and done all the same" % (name, n))
                undo(plain, name)
        else:
            bad |= fault("%s: more than %d allocations" % (name, SITES_MAX))
        print("%s%s: %d allocations failed, %s" % (
            name, " dump" if flags == NLM_F_DUMP else "", n - 1,
            ", ".join("errno %d: %d" % item for item in sorted(codes.items()))))
        # the last try met no fault
        if code:
            bad |= fault("%s without a fault: errno %d" % (name, code))
    return bad


def undo(family, name):
    """What a request did although its answer was lost."""
    if name == "rule-new":
        family.ask(CMD["rule-del"], request(**HUB))
    else:
        family.ask(CMD["rule-new"], request(**HUB, **META))


if __name__ == "__main__":
    sys.exit(main())
