#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
#
# Every refusal of the family, with its errno, its sentence and the attribute
# that it blames.

import errno
import sys

from kmod_nl import (ATTR, CMD, META, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_DUMP,
                     NLM_F_REPLACE, Family, ip4, ip6, meta, request, u8, u32, u64)


def miss(name):
    return "miss %d" % ATTR[name]


REMOTE = dict(remote_ipv4=ip4("10.7.0.1"))
M = dict(meta=meta(map=b"m\0"))
EINVAL = errno.EINVAL
FAMILIES = "addresses are of different families"
LONG = "prefix longer than the address"
BITS = "address has bits beyond its prefix"
IDLE = "idle-time must be 0 or 100..86400000 ms"
ONE_WAY = "one-way must be 0 or 50..3600000 ms"

# command, attributes, errno, sentence, attribute blamed (None: not looked at)
CASES = [
    ("rule-new", dict(M), EINVAL, "", miss("remote-ipv4")),
    ("rule-new", dict(REMOTE), EINVAL, "", miss("meta")),
    ("rule-new", dict(REMOTE, remote_ipv6=ip6("fd00::1"), **M), EINVAL, FAMILIES, ATTR["remote-ipv6"]),
    ("rule-new", dict(REMOTE, local_ipv6=ip6("fd00::1"), **M), EINVAL, FAMILIES, None),
    ("rule-new", dict(REMOTE, remote_len=u8(33), **M), EINVAL, LONG, ATTR["remote-len"]),
    ("rule-new", dict(remote_ipv6=ip6("fd00::"), remote_len=u8(129), **M), EINVAL, LONG, ATTR["remote-len"]),
    ("rule-new", dict(REMOTE, remote_len=u8(24), **M), EINVAL, BITS, ATTR["remote-ipv4"]),
    ("rule-new", dict(remote_ipv6=ip6("fd00::1"), remote_len=u8(127), **M), EINVAL, BITS, ATTR["remote-ipv6"]),
    ("rule-new", dict(REMOTE, local_len=u8(8), **M), EINVAL, "", miss("local-ipv4")),
    ("rule-new", dict(REMOTE, mark_mask=u32(1), **M), EINVAL, "", miss("mark")),
    ("rule-new", dict(REMOTE, proto=u8(6), **M), EINVAL, "proto must be esp or ah", ATTR["proto"]),
    ("rule-new", dict(REMOTE, meta=meta(idle_time=u32(99))), EINVAL, IDLE, META["idle-time"]),
    ("rule-new", dict(REMOTE, meta=meta(idle_time=u32(86400001))), EINVAL, IDLE, META["idle-time"]),
    ("rule-new", dict(REMOTE, meta=meta(one_way=u32(49))), EINVAL, ONE_WAY, META["one-way"]),
    ("rule-new", dict(REMOTE, meta=meta(one_way=u32(3600001))), EINVAL, ONE_WAY, META["one-way"]),
    ("rule-new", dict(REMOTE, meta=meta(flags=u32(2))), EINVAL, "expire needs idle-time", META["flags"]),
    ("rule-new", dict(REMOTE, meta=meta(flags=u32(4))), EINVAL, None, META["flags"]),
    ("rule-new", dict(REMOTE, meta=meta(map=b"m" * 64 + b"\0")), EINVAL, None, META["map"]),
    ("rule-new", dict(remote_ipv6=b"\xfd" * 15, **M), errno.ERANGE, None, ATTR["remote-ipv6"]),
    ("rule-new", dict(REMOTE, state=u8(0), **M), EINVAL, None, None),
    ("rule-set", dict(M), EINVAL, "", miss("rule-id")),
    ("rule-set", dict(rule_id=u32(99)), EINVAL, "", miss("meta")),
    ("rule-set", dict(rule_id=u32(99), **M), errno.ENOENT, "no such rule", ATTR["rule-id"]),
    ("rule-get", dict(), EINVAL, "", miss("rule-id")),
    ("rule-get", dict(rule_id=u32(99)), errno.ENOENT, "no such rule", ATTR["rule-id"]),
    ("rule-del", dict(), EINVAL, "", miss("remote-ipv4")),
    ("rule-del", dict(rule_id=u32(99)), errno.ENOENT, "no such rule", ATTR["rule-id"]),
    ("rule-del", dict(REMOTE, rule_id=u32(99)), EINVAL, "rule-id and selectors exclude each other", ATTR["rule-id"]),
    ("rule-del", dict(REMOTE), errno.ENOENT, "no such rule", None),
    ("sa-get", dict(), EINVAL, "", miss("dst-ipv4")),
    ("sa-get", dict(sa_id=u32(99)), errno.ESRCH, "SA is not tracked", None),
    ("sa-set", dict(dst_ipv4=ip4("10.7.0.1"), spi=u32(1)), EINVAL, "", miss("proto")),
    ("sa-set", dict(dst_ipv4=ip4("10.7.0.1"), proto=u8(50)), EINVAL, "", miss("spi")),
    ("sa-set", dict(dst_ipv4=ip4("10.7.0.1"), proto=u8(50), spi=u32(1)), errno.ESRCH, "SA is not tracked", None),
    ("pair-get", dict(pair_id=u32(99)), errno.ENOENT, "no such pair", None),
    ("pair-get", dict(REMOTE), EINVAL, "", miss("local-ipv4")),
    ("pair-get", dict(REMOTE, local_ipv4=ip4("10.7.0.2")), EINVAL, "", miss("reqid")),
    ("pair-get", dict(REMOTE, local_ipv4=ip4("10.7.0.2"), reqid=u32(0)), errno.ENOENT, "no such pair", None),
    ("peer-get", dict(peer_id=u32(99)), errno.ENOENT, "no such peer", None),
    ("peer-get", dict(REMOTE, local_ipv4=ip4("10.7.0.2")), errno.ENOENT, "no such peer", None),
    ("peer-heard", dict(peer_id=u32(99)), EINVAL, "", miss("stamp")),
    ("peer-heard", dict(peer_id=u32(99), stamp=u64(1)), errno.ENOENT, "no such peer", None),
    ("peer-heard", dict(peer_id=u32(99), stamp=u64(1 << 63)), EINVAL, "stamp lies in the future", ATTR["stamp"]),
    ("info-get", dict(pad=b""), EINVAL, None, None),
]

DUMPS = [
    ("sa-get", dict(REMOTE, local_ipv6=ip6("fd00::1")), EINVAL, FAMILIES),
    ("pair-get", dict(REMOTE, remote_len=u8(33)), EINVAL, LONG),
    ("peer-get", dict(REMOTE, remote_len=u8(8)), EINVAL, BITS),
    ("sa-get", dict(dir=u8(3)), errno.ERANGE, None),
]

family = Family()
failed = 0


def check(what, got, err, text, blamed):
    global failed
    if got[0] == err and text in (None, got[1]) and blamed in (None, got[2]):
        return
    failed += 1
    print("%s: got %s '%s' about %s, wanted %s '%s' about %s" %
          (what, errno.errorcode.get(got[0], got[0]), got[1], got[2],
           errno.errorcode.get(err, err), text, blamed))


for cmd, attrs, err, text, blamed in CASES:
    check("%s %s" % (cmd, " ".join(attrs)), family.ask(CMD[cmd], request(**attrs)),
          err, text, blamed)
for cmd, attrs, err, text in DUMPS:
    check("dump of %s %s" % (cmd, " ".join(attrs)),
          family.ask(CMD[cmd], request(**attrs), NLM_F_ACK | NLM_F_DUMP), err, text, None)

# what a header says and nobody looks at yet must be refused, or it can never mean anything
RULE = request(**REMOTE, **M)
FLAGS = "ambiguous or reserved bits set in nlmsg_flags"
for flag in (NLM_F_REPLACE, NLM_F_CREATE, NLM_F_APPEND):
    check("rule-new with flag 0x%x" % flag, family.ask(CMD["rule-new"], RULE, NLM_F_ACK | flag),
          EINVAL, FLAGS, None)
check("rule-new with the reserved field set",
      family.ask(CMD["rule-new"], RULE, reserved=1), EINVAL, "genlmsghdr.reserved field is not 0", None)

# the positive control: what is right is accepted, and nothing was left behind
got = family.ask(CMD["rule-new"], request(**REMOTE, meta=meta(
    map=b"m" * 63 + b"\0", idle_time=u32(86400000), one_way=u32(3600000), flags=u32(3))))
check("the longest and largest", got, 0, "", None)
rule_id = family.attrs(got[3][20:])[ATTR["rule-id"]]
check("once more", family.ask(CMD["rule-new"], request(**REMOTE, **M)), errno.EEXIST,
      "a rule with these selectors exists", None)
check("deletion", family.ask(CMD["rule-del"], request(rule_id=rule_id)), 0, "", None)
print("%d requests, %d wrong" % (len(CASES) + len(DUMPS) + 7, failed))
sys.exit(1 if failed else 0)
