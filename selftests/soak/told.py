# SPDX-License-Identifier: GPL-2.0-or-later
"""What the agent tells of its transitions, one after the other, against the rows
of semantics.md §10 that need no clock: where `Next attempt` leads after each end,
the order of a walk's steps, how long the back-off is.

A look finds an entry in one state; what it was between two looks is seen here only.
After a death without a default, say, the wrong peer is tried for three seconds, and
the right one is up by the next look. Written from the text, as model.py is.
"""
from model import AFTER, BACKOFF, DOWN, HOME, SAME, UP, WALK

K_RESET = 600.0 # §10: without a walk
HOMING = ("session-clear", "map-reset")
LATE = 1.0      # a timer of the agent may be so late


def after(cfg, peer):
    at = cfg.peers.index(peer)
    return cfg.peers[(at + 1) % len(cfg.peers)]


def leads_to(cfg, rule, current):
    """The peer that a walk begins with."""
    if rule == HOME or current not in cfg.peers:
        return cfg.peers[0]
    return after(cfg, current) if rule == AFTER else current


def backs_off(k, ms):
    """min(1 s * 2^k, 60 s) times something of 0.5 to 1."""
    longest = 1000 * min(2 ** k, 60)
    return longest / 2 - 1 <= ms <= longest


def home_or(cfg, rule):
    return HOME if cfg.default else rule


class Told:
    """One life of the agent; what has not been told yet is None."""

    def __init__(self, config):
        self.cfgs = [config] # two: which of them was in force is not known
        self.judged = 0
        self.restarted()

    def restarted(self):
        self.state = self.c = self.walk = self.start = self.walked = None
        self.rules = None    # what `next` may be
        self.ks = {0}
        self.homes = set()   # `default` of the idle timers that may be in force

    # ---- what the driver did --------------------------------------------------------

    def configured(self, config):
        """What is told next may be of before or of after."""
        self.cfgs = [self.cfgs[-1], config]
        self.start = None # a default that comes or goes in the walk changes `next`
        if self.homes:
            self.homes.add(config.idle_home)

    def configured_surely(self):
        cfg = self.cfgs[-1]
        self.cfgs = [cfg]
        if self.rules and not cfg.default:
            self.rules = {SAME if r == HOME else r for r in self.rules}
        if self.walk: # who goes and is there again joins the next one
            self.walk = [p for p in self.walk if p in cfg.peers]
        if self.c is not None and self.c not in cfg.peers:
            self.c = cfg.peers[0]
            # §10 says nothing of `next` when P[c] goes in a walk
            self.rules = (self.rules or set()) | {SAME} if self.state == WALK else {SAME}

    def operated(self, cmd):
        """What is told next may be of before."""
        self.ks.add(0)
        if cmd in HOMING and self.state == DOWN and self.rules is not None:
            self.rules.add(home_or(self.cfgs[-1], SAME))

    def operated_silently(self, cmd):
        """And nothing was told: in DOWN there is nothing that ends."""
        if cmd == "map-connect":
            return
        self.ks = {0}
        if cmd in HOMING and self.state == DOWN:
            self.rules = {home_or(self.cfgs[-1], SAME)}

    # ---- what the agent says ----------------------------------------------------------

    def judge(self, events):
        """A sentence, or None."""
        for e in events:
            if e["event"] != "map-state":
                continue
            wrong = self.transition(e)
            if wrong:
                return (f"told: {e['from']} {e['from_peer']} -> {e['to']} {e['peer']}, next {e['next']}, "
                        f"reason {e['reason']}: {wrong}")
        return None

    def transition(self, e):
        if self.state not in (None, e["from"]):
            return f"the entry was {self.state} by what was told before"
        self.judged += 1
        wrong = [self.row(e, cfg) for cfg in self.cfgs]
        if all(wrong):
            return wrong[-1]
        cfg = self.cfgs[wrong.index(None)]
        getattr(self, "to_" + e["to"].lower())(e, cfg)
        self.state = e["to"]
        return None

    def row(self, e, cfg):
        return {UP: self.row_up, WALK: self.row_walk, DOWN: self.row_down,
                BACKOFF: self.row_backoff}[e["to"]](e, cfg)

    # ---- what is wrong with one -------------------------------------------------------

    def row_up(self, e, cfg):
        if e["next"] != e["peer"]:
            return "UP sets next=same"
        if e["from"] == WALK and e["reason"] == "child-up" and e["peer"] != e["from_peer"]:
            return f"{e['from_peer']} was being tried"
        return None

    def row_walk(self, e, cfg):
        if e["from"] == WALK:
            left = [p for p in self.walk or [] if p in cfg.peers]
            if self.walk is not None and e["peer"] not in (left[:1] or [None]) + [e["from_peer"]]:
                return f"of the walk there are left {left}"
            return None
        if self.rules is None or self.c is None:
            return None
        may = {leads_to(cfg, r, self.c) for r in self.rules}
        if e["peer"] not in may:
            return f"the walk begins at one of {sorted(may)}"
        return None

    def row_backoff(self, e, cfg):
        left = [p for p in self.walk or [] if p in cfg.peers]
        if left:
            return f"not tried: {left}"
        ms = e["detail"]["backoff_ms"]
        if not any(backs_off(k, ms) for k in self.ks):
            return f"a back-off of {ms} ms after {sorted(self.ks)} of them"
        if cfg.default and e["next"] != cfg.peers[0]:
            return "a walk without answer leads home"
        if not cfg.default and self.start in cfg.peers and len(self.cfgs) == 1 and \
                self.c in cfg.peers and e["next"] != self.start:
            return f"without a default a walk without answer leaves next, {self.start}, as it was"
        return None

    def row_down(self, e, cfg):
        rules = self.end_rules(e, cfg)
        if rules is None:
            return None
        if e["reason"] == "config":
            return None if e["peer"] == e["next"] == cfg.peers[0] else f"c={cfg.peers[0]}, next=same"
        if e["from"] == UP and e["peer"] != e["from_peer"]:
            return "the current peer stays"
        may = {leads_to(cfg, r, e["peer"]) for r in rules}
        if e["next"] not in may:
            return f"next={' or '.join(sorted(rules))} is {' or '.join(sorted(may))}"
        return None

    def end_rules(self, e, cfg):
        """What `next` may be after this end; None: no row, or not known."""
        why, was = e["reason"], e["from"]
        if why in ("clear-session", "reset"):
            return {home_or(cfg, SAME)}
        if was == UP and why in ("dpd-timeout", "ike-timeout"):
            return {home_or(cfg, AFTER)}
        if was == UP and why == "peer-delete":
            return {home_or(cfg, SAME)}
        if was == UP and why in ("local-gone", "no-local", "clear-sa"):
            return {SAME}
        if was == UP and why in ("idle", "idle-default", "lifetime", "no-child"):
            ends = {home_or(cfg, SAME) if home else SAME for home in self.homes}
            return (ends | {SAME} if why == "lifetime" else ends) or None # the IKE SA's: same
        if why == "config":
            return {SAME}
        if was in (WALK, BACKOFF) and why in ("local-gone", "no-local", "clear-sa", "backoff-over"):
            return self.rules
        return None

    # ---- what is so from now on ---------------------------------------------------------

    def to_up(self, e, cfg):
        if e["from"] != UP or e["from_peer"] != e["peer"]:
            self.homes = {cfg.idle_home}
        self.homes.add(cfg.idle_home)
        self.c, self.rules, self.ks, self.walk = e["peer"], {SAME}, {0}, None
        self.walked = None

    def to_walk(self, e, cfg):
        if e["from"] == WALK:
            if self.walk is not None and e["peer"] in self.walk:
                self.walk = self.walk[self.walk.index(e["peer"]) + 1:]
            return
        if e["from"] == BACKOFF:
            self.backoff_over(e)
        self.forget(e)
        peers, at = cfg.peers, cfg.peers.index(e["peer"])
        order = [e["peer"]] + ([peers[0]] if cfg.default else []) + \
            [peers[(at + i) % len(peers)] for i in range(1, len(peers))]
        self.start, self.walk = e["peer"], list(dict.fromkeys(order))[1:]

    def to_down(self, e, cfg):
        rules = self.end_rules(e, cfg)
        if rules is not None:
            rules = {r for r in rules if leads_to(cfg, r, e["peer"]) == e["next"]} or rules
        if e["from"] == BACKOFF:
            self.backoff_over(e)
        if e["reason"] in ("clear-session", "reset", "clear-sa"):
            self.ks = {0}
        if e["from"] == WALK:
            self.walked = e["stamp"] / 1e9
        self.c, self.rules, self.walk = e["peer"], rules, None

    def to_backoff(self, e, cfg):
        self.c, self.walk, self.walked = e["peer"], None, e["stamp"] / 1e9
        if cfg.default:
            self.rules = {HOME}
        self.ks = {k for k in self.ks if backs_off(k, e["detail"]["backoff_ms"])}

    def backoff_over(self, e):
        if e["reason"] == "backoff-over":
            self.ks = {min(k + 1, 6) for k in self.ks}
        elif e["reason"] == "connect":
            self.ks = {0}

    def forget(self, e):
        """k=0 after ten minutes without a walk."""
        if self.walked is None:
            return
        since = e["stamp"] / 1e9 - self.walked
        if since > K_RESET - LATE:
            self.ks = {0} if since > K_RESET + LATE else self.ks | {0}
