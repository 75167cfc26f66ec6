# SPDX-License-Identifier: GPL-2.0-or-later
"""What must hold whatever happens. Each returns a sentence when it does not."""
import time

import world

REQID_FIRST = 0x50500000 # §12
OUT, IN, FWD = 1, 0, 2
BLOCK = 1                # XFRM_POLICY_BLOCK


def ours(reqid):
    return REQID_FIRST <= reqid < REQID_FIRST + 0x100000


def leftovers(xfrm):
    """What an agent that starts will find: (peer of the newest outbound SA, a larval)."""
    sas = list(xfrm.states())
    out = [x for x in sas if x["spi"] and ours(x["reqid"]) and x["src"].startswith("10.0.0.")]
    return (out[0]["dst"] if out else None, any(not x["spi"] and ours(x["reqid"]) for x in sas))


def settled_s(config):
    """Old inbound SAs go 5 s after a switch, and their DELETE has the DPD budget (§12, §2.3)."""
    return 5 + config.budget + 3


def sas(show, found, out, model):
    """No orphan SA, no larval."""
    settled = show["state_since_ms"] > 1000 * settled_s(model.cfg)
    real = {x["spi"] for x in found if x["spi"]}
    larvals = [x for x in found if not x["spi"]]
    shown = {int(l[k], 16) for l in show["lines"] for k in ("spi_in", "spi_out") if l[k]}
    missing = shown - real
    if missing:
        return f"map show has SPIs that the kernel has not: {['%08x' % s for s in missing]}"
    if show["state"] == "UP" and settled and real != shown:
        return f"orphan SAs beside those of the entry: {['%08x' % s for s in real - shown]}"
    if show["state"] in ("DOWN", "BACKOFF") and settled and real:
        return f"orphan SAs of an entry that is {show['state']}: {['%08x' % s for s in real]}"
    if show["state"] == "UP" and settled and larvals and not any(l["in_setup"] for l in show["lines"]):
        return f"a larval stays in UP: {larvals}"
    if show["state"] == "DOWN" and settled and larvals and not out and model.w.address:
        return f"a larval stays in DOWN: {larvals}"
    return None


def policies(show, found, wan):
    """Exactly the line's three policies with their templates, and the block that keeps packets
    from hiding behind source NAT (§4.1). @wan: our address; None: there is none."""
    lan, site = "192.168.1.0/24", "192.168.2.0/24"
    want = [(IN, site, lan, 0), (FWD, site, lan, 0), (OUT, lan, site, 0)]
    got = [(p["dir"], p["src"], p["dst"], p["action"]) for p in found if p["dir"] in (IN, OUT, FWD)]
    block = [p for p in got if p[3] == BLOCK]
    if sorted(p for p in got if p[3] != BLOCK) != sorted(want):
        return f"the policies are {got}"
    if wan and block != [(OUT, f"{wan}/32", site, BLOCK)]:
        return f"the block behind NAT is {block}, our address {wan}"
    for p in found:
        if p["dir"] not in (IN, OUT, FWD) or p["action"] == BLOCK:
            continue
        if not p["tmpl"] or not ours(p["tmpl"][2]):
            return f"a policy without a template of ours: {p}"
        if p["dir"] == OUT and wan and show["state"] != "WALK" and p["tmpl"][1] != show["peer"]:
            return f"the out template names {p['tmpl'][1]}, the current peer is {show['peer']}"
    return None


def wire(stats, figures):
    expected = figures["clear on purpose"]
    for kind in ("esp", "ike", "frames"):
        figures["wire " + kind] = stats[kind]
    if stats["lost"]:
        return f"the tap lost {stats['lost']} frames: nothing can be said of the wire"
    if stats["clear"] != expected:
        return f"{stats['clear'] - expected} frames in clear, the first: {stats['first_clear']}"
    return None


def control_clear(soak):
    """Without policies a packet of the LAN goes out in clear: the tap must count it."""
    before = soak.tap.stats()["clear"]
    soak.traffic.send(soak.traffic.lan, world.SITE)
    time.sleep(0.5)
    seen = soak.tap.stats()["clear"] - before
    soak.figures["clear on purpose"] += seen
    return seen == 0


def delivery(soak, show):
    """UP with a hub that answers, for a while, under traffic: packets arrive."""
    m, t = soak.model, soak.traffic
    t.take()
    sent, got = t.sent_out, t.got_out
    settled = show["state"] == "UP" and show["state_since_ms"] > 5000 and len(m.views()) == 1 and \
        m.w.answers(show["peer"]) and not any(a.lost or a.bare or "dead" in a.timers for a in m.alts)
    if not settled or not t.out:
        return None
    time.sleep(2 * t.interval + 0.5)
    t.take()
    if t.sent_out - sent >= 2 and t.got_out == got and soak.show()["state"] == "UP":
        return f"UP with {show['peer']}, {t.sent_out - sent} packets sent, none arrived"
    return None


class Resources:
    """Descriptors and memory of the agent, within one life of it."""

    WARM = 30          # events until what is allocated once has been
    GROWTH_KIB = 256
    HISTORY = 1000     # the agent remembers so many of the events that it told,
    TOLD_KIB = 3       # each of about this size
    FDS = 4

    def __init__(self):
        self.life = None
        self.lives = []

    def new_life(self, agent):
        own, fds = agent.memory()
        self.life = {"first": own, "fds": fds, "warm": None, "last": own, "max_fds": fds, "events": 0,
                     "told": 0, "full": None}
        self.lives.append(self.life)
        self.lives = self.lives[-50:]

    def check(self, agent, _n):
        life = self.life
        own, fds = agent.memory()
        life["events"] += 1
        life["last"] = own
        life["max_fds"] = max(life["max_fds"], fds)
        if life["events"] == self.WARM:
            life["warm"], life["told"] = own, 0
        if life["warm"] and not life["full"] and life["told"] >= self.HISTORY:
            life["full"] = own
        base = life["full"] or (life["warm"] or own) + self.TOLD_KIB * life["told"]
        if own > base + self.GROWTH_KIB:
            return (f"the agent's memory grew from {life['full'] or life['warm']} to {own} KiB in "
                    f"{life['events']} events, of which it told {life['told']}")
        if fds > life["fds"] + self.FDS:
            return f"the agent has {fds} descriptors open, {life['fds']} when it began"
        return None

    def told(self, n):
        self.life["told"] += n

    def text(self):
        longest = max(self.lives, key=lambda l: l["events"])
        full = f", history full {longest['full']}" if longest["full"] else ""
        return (f"agent's longest life: {longest['events']} events, {longest['told']} told, memory {longest['first']}, "
                f"warm {longest['warm']}{full}, last {longest['last']} KiB, descriptors {longest['fds']} to {longest['max_fds']}")
