# SPDX-License-Identifier: GPL-2.0-or-later
"""What semantics.md §10 says an entry does: written from that text, sharing
nothing with the agent.

The text leaves some of it open (the back-off's random factor, when exactly a
probe is due, which of two things that happen together comes first), and time is
known to the model in windows only. So the model is a set of *alternatives*, each
a state with timers that fire somewhere within [lo, hi]. Letting time pass
explores every order in which they may; observe() keeps those that look like the
entry does, and none left is a divergence.

Facts of the world (who answers, what traffic there is) come in through the
methods of Model; nothing of the agent does, but for what observe() compares.
"""
import copy

INF = float("inf")
DOWN, WALK, UP, BACKOFF = "DOWN", "WALK", "UP", "BACKOFF"
SAME, AFTER, HOME = "same", "after", "home"

SLACK = 1.0        # programs have to run, and time jumps while something is read from disk
SETUP_MAX = 1.5    # two exchanges with a hub that answers
RECENT = 10.0      # §10: a pair ends under traffic if its last packet is younger
CHILDLESS = 30.0   # §10
K_RESET = 600.0    # §10
LIFETIME = 3600.0  # §8.1
POLL = 10.5        # without the module: the agent's poll interval
HOLD = 10.0        # §1.5
GUARD = 30.0       # §1.5


class Config:
    """The entry as it is configured."""

    def __init__(self, peers, default, idle, idle_home, dpd=(10, 2, "periodic")):
        self.peers, self.default = list(peers), default
        self.idle, self.idle_home = idle, idle_home
        self.dpd = dpd
        self.interval, self.retry, mode = dpd
        self.on_demand = mode == "on-demand"

    @property
    def budget(self):
        return 6 * self.retry


class Alt:
    """One possible state of the entry, and of the SAs that the hub holds for it."""

    def __init__(self, peer):
        self.st = DOWN
        self.c = peer
        self.next = SAME
        self.k = 0
        self.walked = (-INF, -INF)  # when the last walk ended
        self.dead = None            # whose death ended the last connection
        self.want = False
        self.walk = ()
        self.lost = False           # UP: the hub does not know our IKE SA
        self.bare = False           # UP: no pair
        self.act = (0, 0)           # UP: last packet of the pair
        self.joins = None           # (peer, last packet): SAs of an earlier run that it may join
        self.idles = ()             # UP: (T, home) that may be in force for the pair
        self.moved = (-INF, -INF)   # last inbound move
        self.silent = INF           # since when nothing of ours has been answered
        self.timers = {}            # name: (lo, hi, must)

    def copy(self):
        other = copy.copy(self)
        other.timers = dict(self.timers)
        return other

    def first(self):
        return min((t[0] for t in self.timers.values()), default=INF)

    def key(self):
        return (self.st, self.c, self.next, self.k, self.dead, self.want, self.walk, self.lost,
                self.bare, self.idles, tuple(sorted((n, t[2]) for n, t in self.timers.items())))

    def show(self):
        timers = " ".join(f"{n}[{lo:.1f},{hi:.1f}{'' if must else '?'}]"
                          for n, (lo, hi, must) in sorted(self.timers.items()))
        extra = "".join(f" {w}" for w in ("want", "lost", "bare") if getattr(self, w))
        walk = f" walk={'>'.join(self.walk)}" if self.walk else ""
        dead = f" dead={self.dead}" if self.dead else ""
        return f"{self.st} c={self.c} next={self.next} k={self.k}{walk}{dead}{extra} {timers}"


class World:
    """What surrounds the branch, as the driver set it up."""

    def __init__(self, hubs, old_kernel):
        self.to = {h: True for h in hubs}      # what we send reaches it
        self.back = {h: True for h in hubs}    # what it sends reaches us
        self.out = self.into = False           # traffic from the LAN, from the site
        self.interval = 1.0
        self.last_out = self.last_in = -INF
        self.address = True                    # a local address is usable
        self.module = True
        self.module_changed = -INF
        self.stepped = -INF                    # CLOCK_REALTIME was set
        self.old_kernel = old_kernel           # no `lastused`: counters are sampled

    def answers(self, h):
        return self.to[h] and self.back[h]


class Model:
    def __init__(self, config, hubs, old_kernel):
        self.cfg = config
        self.w = World(hubs, old_kernel)
        self.alts = [Alt(config.peers[0])]
        self.sizes = 0

    # ---- what the configuration says about an alternative -------------------

    def next_peer(self, a):
        peers = self.cfg.peers
        if a.next == HOME or a.c not in peers:
            return peers[0]
        at = peers.index(a.c)
        return peers[(at + 1) % len(peers)] if a.next == AFTER else peers[at]

    def home_or(self, other):
        return HOME if self.cfg.default else other

    def answer_budget(self, a, peer):
        r = self.cfg.retry
        if a.dead == peer:
            return min(max(r, 0.25), 3.0)
        return max(min(max(6 * r, 0.25), 30.0), 1.0)

    def finish_budget(self):
        return min(max(6 * self.cfg.retry, 2.0), 30.0)

    def lateness(self, t, since):
        """How long after T the verdict may come (§2.3); the clock's steps: kernel.md 3.1."""
        late = min(max(t / 8, 1.0), 300.0) if self.w.old_kernel else 1.0
        if not self.w.module or self.w.module_changed >= since:
            late = max(late, POLL)
        if self.w.stepped >= since:
            late += 300.0
        return late + 0.5 + SLACK

    # ---- entering states; w = (earliest, latest) instant ---------------------

    def enter_down(self, a, nxt, w):
        a = a.copy()
        a.st, a.next, a.walk, a.timers = DOWN, nxt, (), self.calls(a)
        a.want = a.lost = a.bare = False
        self.arm_acquire(a, w)
        return [a]

    @staticmethod
    def calls(a):
        """A hub that has asked waits for its answer whatever the entry does."""
        return {n: t for n, t in a.timers.items() if " " in n}

    def arm_acquire(self, a, w):
        """The next packet of the LAN asks, where nothing covers it; without an address of ours
        there is no route, and it does not get as far as a policy."""
        if self.w.out and self.w.address:
            a.timers["acquire"] = (w[0], w[1] + self.w.interval + SLACK, True)

    def begin_walk(self, a, w):
        a = a.copy()
        if w[1] - a.walked[0] > K_RESET:
            a.k = 0
        start = self.next_peer(a)
        peers, at = self.cfg.peers, self.cfg.peers.index(start)
        order = [start] + ([peers[0]] if self.cfg.default else []) + \
            [peers[(at + i) % len(peers)] for i in range(1, len(peers))]
        a.walk = tuple(dict.fromkeys(order))
        a.want = False
        return self.begin_step(a, w)

    def begin_step(self, a, w):
        """The first of a.walk is tried; removed ones are skipped."""
        walk = tuple(p for p in a.walk if p in self.cfg.peers)
        if not walk:
            return self.walked_out(a, w)
        a = a.copy()
        a.st, a.walk, a.timers = WALK, walk, self.calls(a)
        self.arm_step(a, w)
        return [a]

    def arm_step(self, a, w):
        peer = a.walk[0]
        if self.w.answers(peer):
            a.timers["setup"] = (w[0], w[1] + SETUP_MAX + SLACK, True)
        else:
            b = self.answer_budget(a, peer)
            a.timers["failed"] = (w[0] + b - 0.1, w[1] + b + SLACK, True)

    def walked_out(self, a, w):
        a = a.copy()
        a.st, a.walk, a.timers, a.want = BACKOFF, (), self.calls(a), False
        a.next = self.home_or(a.next)
        a.walked = w
        b = min(2.0 ** a.k, 60.0)
        a.timers["backoff"] = (w[0] + b / 2 - 0.01, w[1] + b + SLACK, True)
        self.arm_acquire(a, w)
        return [a]

    def enter_up(self, a, peer, w):
        a = a.copy()
        a.st, a.c, a.next, a.k, a.dead, a.walk = UP, peer, SAME, 0, None, ()
        a.want = a.lost = False
        a.walked = w
        a.timers = self.calls(a)
        self.new_pair(a, w)
        if a.joins and a.joins[0] == peer: # make-before-break: the clock is theirs together
            a.act = (min(a.joins[1], a.act[0]), a.act[1])
            self.arm_up(a)
        a.joins = None
        if not self.w.answers(peer):
            self.unanswered(a, w, w)
        return [a]

    def new_pair(self, a, w):
        a.bare, a.act = False, w
        a.idles = ((self.cfg.idle, self.cfg.idle_home),)
        a.timers.pop("childless", None)
        a.timers.pop("acquire", None)
        a.timers["lifetime"] = (w[0] + LIFETIME - 1, w[1] + LIFETIME + SLACK + 1, True)
        self.arm_up(a)

    def inbound_flows(self, a):
        return self.w.into and self.w.back[a.c] and not a.lost and not a.bare

    def arm_up(self, a):
        """Idle and death, anew from what is known of the last packets."""
        a.timers.pop("idle", None)
        if not a.bare and not self.w.out and not self.inbound_flows(a):
            windows = [(a.act[0] + t, a.act[1] + t + self.lateness(t, a.act[0]))
                       for t, _ in a.idles if t]
            must = len(windows) == len(a.idles)
            if windows:
                a.timers["idle"] = (min(x[0] for x in windows),
                                    max(x[1] for x in windows) if must else INF, must)

    def probe_late(self):
        """How much later than INTERVAL after the last inbound packet the probe may be."""
        return (self.cfg.interval / 8 if self.w.old_kernel else 1.0) + 0.5 + SLACK

    def unanswered(self, a, heard, w):
        """From now on nothing of ours is answered; the last proof of life was in @heard."""
        if self.inbound_flows(a):
            return # suppresses probes (§3.2)
        i, b, must = self.cfg.interval, self.cfg.budget, True
        lo, hi = max(heard[0] + i, w[0]), heard[1] + i
        if self.cfg.on_demand: # from the first packet without an answer
            lo, hi, must = w[0], w[1] + self.w.interval + i, self.w.out
            asked = max(self.w.last_out, self.w.module_changed) # see touch_module()
            if not must and asked < w[0] - i - self.probe_late():
                return
        lo += b * 5 / 6 - 0.1
        if "dead" in a.timers:
            lo = min(lo, a.timers["dead"][0])
            must = must or a.timers["dead"][2]
        else:
            a.silent = w[1]
        a.timers["dead"] = (lo, hi + self.probe_late() + b + 1 + SLACK, must)

    def answered_again(self, a, w):
        """The curve may be in its last wait, 2.2 R, in which nothing is sent any more."""
        if "dead" in a.timers:
            lo, hi, _ = a.timers.pop("dead")
            end = w[1] + 2.3 * self.cfg.retry + SLACK
            if lo <= end:
                a.timers["dead"] = (lo, min(hi, end), False)

    # ---- timers: what each does ----------------------------------------------

    def fire(self, a, name, w):
        a = a.copy()
        a.timers.pop(name)
        what, *hub = name.split() # "inbound HUB", "held HUB"
        return getattr(self, "on_" + what)(a, *hub, w)

    def on_acquire(self, a, w):
        if a.st == DOWN:
            if self.w.address:
                return self.begin_walk(a, w)
            a.want = True
        elif a.st == BACKOFF:
            a.want = True
        elif a.st == UP and a.bare:
            if self.w.answers(a.c) and not a.lost:
                a.timers["child"] = (w[0], w[1] + SETUP_MAX + SLACK, True)
            else:
                lo, hi, _ = a.timers.get("dead", (INF, INF, True))
                b = self.cfg.budget
                a.timers["dead"] = (min(lo, w[0] + b * 5 / 6), min(hi, w[1] + b + 1 + SLACK), True)
            a.timers.pop("childless", None)
        return [a]

    def on_child(self, a, w):
        self.new_pair(a, w)
        return [a]

    def on_failed(self, a, w):
        a.walk = a.walk[1:]
        return self.begin_step(a, w)

    def on_setup(self, a, w):
        return self.enter_up(a, a.walk[0], w)

    def on_backoff(self, a, w):
        a.k += 1
        if a.want and self.w.address:
            return self.begin_walk(a, w)
        return self.enter_down(a, a.next, w)

    def on_dead(self, a, w):
        a.dead = a.c
        return self.enter_down(a, self.home_or(AFTER), w)

    def on_idle(self, a, w):
        return [x for home in {h for _, h in a.idles}
                for x in self.enter_down(a, self.home_or(SAME) if home else SAME, w)]

    def on_lifetime(self, a, w):
        recent = self.w.out or self.inbound_flows(a) or a.act[1] > w[0] - RECENT - SLACK
        quiet = not (self.w.out or self.inbound_flows(a)) and a.act[0] < w[1] - RECENT + SLACK
        return (self.go_bare(a, w) if recent else []) + (self.on_idle(a, w) if quiet else [])

    def go_bare(self, a, w):
        a = a.copy()
        a.bare = True
        for name in ("idle", "lifetime"):
            a.timers.pop(name, None)
        a.timers["childless"] = (w[0] + CHILDLESS - 0.1, w[1] + CHILDLESS + SLACK, True)
        self.arm_acquire(a, w)
        self.arm_up(a)
        return [a]

    def on_childless(self, a, w):
        return self.enter_down(a, self.home_or(SAME) if self.cfg.idle_home else SAME, w)

    def on_inbound(self, a, hub, w):
        """A hub has asked on a new IKE SA (§1.5)."""
        if hub not in self.cfg.peers:
            return [a]
        if a.st == UP and a.c != hub:
            return self.inbound_elsewhere(a, hub, w)
        if a.st == WALK and hub in a.walk[1:]:
            # held until the step ends
            a.timers["held " + hub] = (w[0], w[1] + HOLD + SLACK, False)
            return [a]
        return self.accept(a, hub, w)

    def inbound_elsewhere(self, a, hub, w):
        guard = (w[0] - GUARD < a.moved[1], w[1] - GUARD < a.moved[0]) # maybe, surely
        quiet_lo = w[0] - (w[1] if self.busy(a) else a.act[1])
        quiet_hi = w[1] - (w[0] if self.busy(a) else a.act[0])
        home = self.cfg.default and hub == self.cfg.peers[0]
        late = self.cfg.interval + self.probe_late()
        surely = home or (not self.cfg.default and quiet_lo > late)
        maybe = surely or (not self.cfg.default and quiet_hi > self.cfg.interval - 1)
        alive = self.w.answers(a.c) and not a.lost
        if alive and surely and not guard[0]:
            return self.accept(a, hub, w)
        if alive and (guard[1] or not maybe):
            return [a]
        # the check of P[c] takes its time, or its death does, which may be after the hold
        a.timers["held " + hub] = (w[0], w[1] + HOLD + SLACK, False)
        if not alive:
            lo, hi, must = a.timers.get("dead", (INF, -INF, False))
            b = self.cfg.budget
            a.timers["dead"] = (min(lo, w[0] + b * 5 / 6 - 0.1),
                                hi if must else max(hi, w[1] + b + 1 + SLACK), must)
        return [a]

    def busy(self, a):
        return self.w.out or self.inbound_flows(a)

    def on_held(self, a, hub, w):
        return self.accept(a, hub, w) if hub in self.cfg.peers else [a]

    def accept(self, a, hub, w):
        moved = w if a.st == UP and a.c != hub else a.moved
        # Before the older pair ends: the idle clock is theirs together (A10).
        act = a.act if a.st == UP and a.c == hub and not a.bare else None
        up = self.enter_up(a, hub, w)
        for x in up:
            x.moved = moved
            if act:
                x.act = act
                self.arm_up(x)
        return up

    # ---- time -----------------------------------------------------------------

    def advance(self, lo, hi):
        """Every alternative at an instant within [lo, hi]."""
        done, todo, seen = {}, {}, 0
        for a in self.alts:
            self.keep(todo, a)
        while todo:
            # In the order of time, so that those which became alike meanwhile go on as one.
            a = todo.pop(min(todo, key=lambda k: todo[k].first()))
            seen += 1
            if seen > 20000:
                raise RuntimeError("the model's alternatives do not end")
            # One that may happen or not is over once its window is.
            limit = min([t[1] for t in a.timers.values() if t[2]], default=INF)
            if limit >= lo:
                stay = a.copy()
                stay.timers = {n: t for n, t in a.timers.items() if t[2] or t[1] >= lo}
                self.keep(done, stay)
            for name, (first, last, _) in a.timers.items():
                if first > hi or first > limit:
                    continue
                w = (first, min(last, limit, hi))
                rest = a.copy()
                rest.timers = {n: (max(t[0], first) if n != name else t[0], t[1], t[2])
                               for n, t in a.timers.items() if t[2] or t[1] >= first}
                for b in self.fire(rest, name, w):
                    self.keep(todo, b)
        self.alts = list(done.values())
        self.sizes = max(self.sizes, len(self.alts))

    @staticmethod
    def keep(done, a):
        """Alternatives that differ in their windows only become one."""
        b = done.get(a.key())
        if b is None:
            done[a.key()] = a
            return
        for n, (lo, hi, must) in a.timers.items():
            b.timers[n] = (min(lo, b.timers[n][0]), max(hi, b.timers[n][1]), must)
        for n in ("act", "walked", "moved"):
            x, y = getattr(a, n), getattr(b, n)
            setattr(b, n, (min(x[0], y[0]), max(x[1], y[1])))

    def view(self, a):
        return (a.st, a.c, self.next_peer(a), a.walk[0] if a.st == WALK else None)

    def views(self):
        return {self.view(a) for a in self.alts}

    def observe(self, view):
        """False: no alternative looks like that."""
        left = [a for a in self.alts if self.view(a) == view]
        self.alts = left or self.alts
        return bool(left)

    # ---- events: the driver says what it did, at an instant within [t0, t1] ----

    def each(self, fn):
        self.alts = [y for x in self.alts for y in fn(x.copy())]

    def path(self, hub, to, back, w):
        """Packets to a hub, or from it, pass or vanish from now on."""
        answered, flowed = self.w.answers(hub), self.w.back[hub]
        self.w.to[hub], self.w.back[hub] = to, back
        self.each(lambda a: self.path_changed(a, hub, answered, flowed, w))

    def path_changed(self, a, hub, answered, flowed, w):
        now = self.w.answers(hub)
        if a.st == UP and a.c == hub:
            flows = self.w.into and flowed and not a.lost and not a.bare
            heard = (w[0] - self.cfg.interval - self.probe_late(), w[1])
            stops = flows and not self.inbound_flows(a)
            if stops:
                heard = (self.w.last_in - 0.1, w[1])
                a.act = (max(a.act[0], heard[0]), max(a.act[1], heard[1]))
            if not a.lost and not now and (answered or stops):
                self.unanswered(a, heard, w)
            if not a.lost and now and not answered:
                self.answered_again(a, w)
            self.inbound_starts(a, flows)
            self.arm_up(a)
        elif a.st == WALK and a.walk[0] == hub and answered != now:
            return self.step_shaken(a, now, w)
        return [a]

    def inbound_starts(self, a, flowed):
        """Not dead while something comes in; but a request begins its curve again only
        three times (§3.3)."""
        if "dead" in a.timers and self.inbound_flows(a) and not flowed:
            lo, hi, _ = a.timers["dead"]
            a.timers["dead"] = (lo, hi + 3 * self.cfg.budget + SLACK, False)

    def step_shaken(self, a, now, w):
        """The peer that is being tried comes or goes: either may win."""
        if now:
            a.timers["setup"] = (w[0], INF, False)
            lo, hi, _ = a.timers["failed"] if "failed" in a.timers else (w[0], w[1], True)
            a.timers["failed"] = (lo, hi + SETUP_MAX, True)
        else:
            a.timers["setup"] = (w[0] - 0.1, w[1] + 0.1, False)
            b = max(self.answer_budget(a, a.walk[0]), self.finish_budget())
            a.timers["failed"] = (w[0], w[1] + 2 * b + SLACK, True)
        return [a]

    def traffic(self, out, into, interval, w):
        was_out, was_in = self.w.out, self.w.into
        flows = [a.st == UP and self.inbound_flows(a) for a in self.alts]
        self.w.out, self.w.into, self.w.interval = out, into, interval
        self.alts = [self.traffic_changed(a.copy(), was_out, f, w)
                     for a, f in zip(self.alts, flows)]

    def traffic_changed(self, a, was_out, flowed, w):
        if a.st == UP:
            stops = flowed and not self.inbound_flows(a)
            last = max(self.w.last_out if was_out else -INF, self.w.last_in if stops else -INF)
            a.act = (max(a.act[0], last - 0.1), max(a.act[1], last + 0.1))
            asks = self.cfg.on_demand and self.w.out and not was_out
            if was_out and not self.w.out:
                self.asks_no_more(a)
            if (stops or asks) and (a.lost or not self.w.answers(a.c)):
                self.unanswered(a, (self.w.last_in - 0.1, self.w.last_in + 0.1), w)
            self.inbound_starts(a, flowed)
            if not a.bare:
                self.arm_up(a)
        a.timers.pop("acquire", None)
        if a.st in (DOWN, BACKOFF) or a.bare:
            self.arm_acquire(a, w)
        return a

    def asks_no_more(self, a):
        """On demand: only a packet sent since the last answer is a question, and the last
        answer may have come just before there were none."""
        if self.cfg.on_demand and not a.bare and "dead" in a.timers and \
                self.w.last_out <= a.silent + 0.1:
            lo, hi, _ = a.timers["dead"]
            a.timers["dead"] = (lo, hi, False)

    def reboot(self, hub, w):
        """The hub forgets everything, without a word."""
        self.each(lambda a: self.rebooted(a, hub, w))

    def rebooted(self, a, hub, w):
        if a.st == UP and a.c == hub and not a.lost:
            heard = (w[0] - self.cfg.interval - self.probe_late(), w[1])
            if self.inbound_flows(a):
                heard = (self.w.last_in - self.w.interval - 0.1, w[1])
                a.act = (max(a.act[0], heard[0]), max(a.act[1], heard[1]))
            a.lost = True
            self.unanswered(a, heard, w)
            self.arm_up(a)
        return [a]

    def clear_session(self, w):
        def one(a):
            a.k = 0
            want = a.want and a.st == DOWN
            if a.st == DOWN:
                a.next = self.home_or(SAME)
                a.want = want
                return [a]
            return self.enter_down(a, self.home_or(SAME), w)
        self.each(one)

    def clear_sa(self, w):
        def one(a):
            a.k = 0
            if a.st == DOWN:
                return [a]
            return self.enter_down(a, SAME if a.st == UP else a.next, w)
        self.each(one)

    def connect(self, w):
        def one(a):
            if a.st in (UP, WALK):
                return [a]
            if a.st == BACKOFF:
                a.k = 0
            if not self.w.address:
                a = self.enter_down(a, a.next, w)[0] if a.st == BACKOFF else a
                a.want = True
                return [a]
            return self.begin_walk(a, w)
        self.each(one)

    def address(self, usable, w):
        """The local address goes, or another is there."""
        self.w.address = usable
        def one(a):
            if not usable:
                a.timers.pop("acquire", None)
                return self.enter_down(a, a.next, w) if a.st in (UP, WALK) else [a]
            if a.st == DOWN and a.want:
                return self.begin_walk(a, w)
            if a.st in (DOWN, BACKOFF):
                self.arm_acquire(a, w)
            return [a]
        self.each(one)

    def configure(self, config, w):
        old, self.cfg = self.cfg, config
        self.each(lambda a: self.configured(a, old, w))

    def configured(self, a, old, w):
        peers = self.cfg.peers
        if a.next == HOME and not self.cfg.default:
            a.next = SAME
        if a.st == UP and a.c in peers:
            a.idles = tuple(dict.fromkeys(a.idles + ((self.cfg.idle, self.cfg.idle_home),)))
            self.arm_up(a)
            return [a]
        if a.st == WALK:
            return self.configured_walk(a, w)
        if a.c in peers:
            return [a]
        a.c = peers[0]
        if a.st == DOWN:
            a.next = SAME
            return [a]
        return self.enter_down(a, SAME, w)

    def configured_walk(self, a, w):
        """§10 says nothing of `next` when P[c] goes in a walk: as it was, or same."""
        nexts = {a.next}
        if a.c not in self.cfg.peers:
            a.c = self.cfg.peers[0]
            nexts.add(SAME)
        out = []
        for n in nexts:
            b = a.copy()
            b.next = n
            out += [b] if b.walk[0] in self.cfg.peers else self.begin_step(b, w)
        return out

    def restarted(self, orphan, larval, w):
        """The agent has just said that it is ready. @orphan: peer of the newest outbound SA
        of ours that it found; @larval: and a packet had asked."""
        a = Alt(self.cfg.peers[0])
        if orphan in self.cfg.peers:
            a.c = orphan
            used = [x.act[0] for x in self.alts if x.st == UP and x.c == orphan]
            a.joins = (orphan, min(used, default=w[0]))
            if self.w.address:
                self.alts = self.begin_walk(a, w)
                return
            a.want = True
        elif larval:
            a.want = True
            if self.w.address:
                self.alts = self.begin_walk(a, w)
                return
        self.arm_acquire(a, w)
        self.alts = [a]

    def hub_calls(self, hub, w):
        """It opens an IKE SA of its own, having none."""
        def one(a):
            a.timers.pop("held " + hub, None)
            a.timers["inbound " + hub] = (w[0], w[1] + SETUP_MAX + SLACK, True)
            return [a]
        self.each(one)

    def hub_deletes_child(self, hub, w):
        def one(a):
            if a.st != UP or a.c != hub or a.lost or a.bare:
                return [a]
            late = (w[0], w[1] + 0.3)
            recent = self.busy(a) or a.act[1] > w[0] - RECENT - 1
            quiet = not self.busy(a) and a.act[0] < w[1] - RECENT + 1
            return (self.go_bare(a, late) if recent else []) + \
                (self.enter_down(a, self.home_or(SAME), late) if quiet else [])
        self.each(one)

    def hub_deletes_ike(self, hub, w):
        """It deletes its IKE SA; whether that arrives is the path's business."""
        def one(a):
            if a.st != UP or a.c != hub or a.lost:
                return [a]
            if self.w.back[hub]:
                return self.enter_down(a, self.home_or(SAME), (w[0], w[1]))
            return self.rebooted(a, hub, w)
        self.each(one)

    def touch_module(self, loaded, t):
        """Whoever begins to watch a pair may count from then: late, never early. Packets that
        were sent before, and answered, may look as if they had not been: one probe more."""
        self.w.module, self.w.module_changed = loaded, t
        for a in self.alts:
            a.act = (a.act[0], max(a.act[1], t))
            if a.st == UP and self.cfg.on_demand and (a.lost or not self.w.answers(a.c)):
                self.asked_again(a, t)
        self.rearm()

    def asked_again(self, a, t):
        if self.inbound_flows(a):
            return
        i, b = self.cfg.interval, self.cfg.budget
        lo, hi, must = a.timers.get("dead", (INF, -INF, False))
        a.timers["dead"] = (min(lo, t - SLACK + i + b * 5 / 6 - 0.1),
                            max(hi, t + i + self.probe_late() + b + 1 + SLACK), must)

    def clock_stepped(self, t):
        self.w.stepped = t
        self.rearm()

    def rearm(self):
        for a in self.alts:
            if a.st == UP:
                self.arm_up(a)
