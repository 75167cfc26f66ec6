#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A year of a branch's life: a seeded random walk over what happens to a branch
and its hubs, against the model of model.py. selftests/e2e_soak.sh starts it.

After each event the walk waits for a random while, then compares what the entry
shows with what the model allows, the kernel's SAs and policies with the entry,
the tap's count of clear text with zero, and the agent's memory with what it had;
in a long wait more than once. What the agent told of its transitions meanwhile is
judged by the rows of told.py, each of them.
"""
import argparse
import collections
import json
import os
import random
import signal
import subprocess
import sys
import time

import checks
import events
import model
import told
import world


PHASE_EVERY = 24 # events


class Failure(Exception):
    """What was found wrong; the walk ends."""


class Soak:
    def __init__(self, opt):
        self.opt = opt
        self.rng = random.Random(opt.seed)
        self.hubs = [world.Hub(n + 1, opt.tmp, ns, int(pid), opt.udpflow)
                     for n, (ns, pid) in enumerate(h.split(":") for h in opt.hub)]
        self.by_address = {h.address: h for h in self.hubs}
        self.tap = world.Tap(opt.tap, opt.transit)
        self.traffic = world.Traffic(opt.lan, opt.site)
        self.transit_ip = world.IpBatch(opt.transit)
        self.branch_ip = world.IpBatch(opt.branch)
        self.xfrm = world.in_netns(opt.branch, world.Xfrm)
        self.agent = world.Agent(opt.agent, opt.branch, opt.conf, opt.log)
        self.wan = 2 # 10.0.0.N
        self.config = model.Config([h.address for h in self.hubs], True, 60, True, self.draw_dpd())
        self.model = model.Model(self.config, [h.address for h in self.hubs], opt.old_kernel)
        self.told = told.Told(self.config)
        self.script = collections.deque() # events of a phase, and how long to wait after each
        self.n = 0
        self.recent = collections.deque(maxlen=20)
        self.view = None
        self.figures = collections.Counter()
        self.resources = checks.Resources()
        self.started = world.now()

    # ---- the configuration ------------------------------------------------------

    def write_config(self):
        c = self.config
        lines = [f"crypto isakmp key {self.opt.psk} address {h.address}" for h in self.hubs]
        lines += ["crypto ikev2 dpd " + " ".join(str(x) for x in c.dpd),
                  "crypto ipsec transform-set ts esp-gcm 128",
                  "access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255",
                  "crypto map tohub 1 ipsec-isakmp"]
        for i, p in enumerate(c.peers):
            lines.append(f" set peer {p}{' default' if c.default and not i else ''}")
        if c.idle:
            lines.append(f" set security-association idle-time {c.idle}"
                         f"{' default' if c.idle_home else ''}")
        lines += [" set transform-set ts", " match address 101", "interface wan0", " crypto map tohub"]
        with open(self.opt.conf, "w") as f:
            f.write("\n".join(lines) + "\n")

    def draw_dpd(self):
        return self.rng.choice([(10, 2, "periodic")] * 2 + [(20, 3, "periodic"), (10, 2, "on-demand")])

    def configure_liveness(self):
        """While there is no agent: new values are for new SAs only (§4.8), and all of its will be."""
        c = self.config
        self.config = self.model.cfg = model.Config(c.peers, c.default, c.idle, c.idle_home,
                                                    self.draw_dpd())
        self.told.cfgs = [self.config]
        self.write_config()

    # ---- what events.py does it with -----------------------------------------------

    def sync(self):
        """The model reaches the present; the time."""
        self.model.w.last_out, self.model.w.last_in = self.traffic.last_out, self.traffic.last_in
        t = world.now()
        self.model.advance(t, t)
        return t

    def act(self, do, tell):
        """do() in the world; then tell(window) to the model."""
        self.hear()
        t0 = self.sync()
        do()
        self.model.w.last_out, self.model.w.last_in = self.traffic.last_out, self.traffic.last_in
        tell((t0, world.now()))

    def operate(self, cmd, tell):
        """A command of the operator, which in DOWN leaves no trace in what is told."""
        self.act(lambda: self.control(cmd, map="tohub", seq=1), lambda t: getattr(self.model, tell)(t))
        self.told.operated(cmd)
        if not self.hear():
            self.told.operated_silently(cmd)

    def reconfigure(self, config):
        """The file, and a reload."""
        self.config = config

        def do():
            self.write_config()
            answer = self.control("reload")
            if not answer["ok"]:
                raise OSError(f"reload: {answer['error']}")
        self.hear()
        self.told.configured(config)
        self.act(do, lambda t: self.model.configure(config, t))
        self.hear()
        self.told.configured_surely()

    def control(self, cmd, **keys):
        return self.agent.ask(cmd, **keys)

    def start_agent(self):
        orphan, larval = checks.leftovers(self.xfrm)
        self.agent.start()
        self.told.restarted()
        self.model.restarted(orphan, larval, (world.now() - 0.5, world.now()))
        self.resources.new_life(self.agent)

    # ---- looking -------------------------------------------------------------------

    def show(self):
        return self.control("map-show", map="tohub", seq=1)["maps"][0]

    def look(self):
        self.hear()
        t0 = world.now()
        show = self.show()
        sas, policies = list(self.xfrm.states()), list(self.xfrm.policies())
        t1 = world.now()
        self.model.w.last_out, self.model.w.last_in = self.traffic.last_out, self.traffic.last_in
        self.model.advance(t0, t1)
        self.count(show)
        return show, sas, policies

    def hear(self):
        """Judges what was told by now; how many transitions that were."""
        heard = self.agent.read_monitor()
        self.resources.told(len(heard))
        states = [e for e in heard if e["event"] == "map-state"]
        for e in states:
            self.figures["to " + e["to"]] += e["from"] != e["to"]
            self.figures["for " + e["reason"]] += e["from"] != e["to"]
        wrong = self.told.judge(states)
        if wrong:
            raise Failure(wrong)
        return len(states)

    def count(self, show):
        if self.view and self.view[1] != show["peer"]:
            self.figures["switches"] += 1
        self.figures["state " + show["state"]] += 1

    def compare(self):
        show, sas, policies = self.look()
        view = (show["state"], show["peer"], show["next"], show.get("trying"))
        allowed = self.model.views()
        self.figures["determined"] += len(allowed) == 1
        self.figures["compared"] += 1
        if not self.model.observe(view):
            raise Failure(f"divergence: the agent shows {say(view)}; the model allows "
                          + "; ".join(say(v) for v in sorted(allowed, key=str)))
        self.view = view
        # Looked at again, since what is shown and what the kernel has are two looks.
        wrong = (self.kernel_wrong(show, sas, policies) and self.kernel_wrong(*self.look()) or
                 checks.wire(self.tap.stats(), self.figures) or
                 checks.delivery(self, show) or
                 self.resources.check(self.agent, self.n))
        if wrong:
            raise Failure(wrong)

    def kernel_wrong(self, show, sas, policies):
        wan = f"10.0.0.{self.wan}" if self.model.w.address else None
        return (checks.sas(show, sas, self.traffic.out, self.model) or
                checks.policies(show, policies, wan))

    # ---- the walk --------------------------------------------------------------------

    def pause(self):
        r = self.rng.random()
        for share, lo, hi in ((0.35, 0, 4), (0.35, 4, 40), (0.24, 40, 150), (1, 150, 1200)):
            if r < share:
                return self.rng.uniform(lo, hi)
            r -= share
        return hi

    def next_event(self):
        """Its kind, and how long to wait after it; None: as it comes."""
        if not self.script and not self.opt.only and self.n % PHASE_EVERY == 0:
            self.script.extend(events.phase(self.rng, self.n // PHASE_EVERY))
        if self.script:
            return self.script.popleft()
        return events.choose(self.rng, self.n, self.opt.events, self.opt.only), None, None

    def step(self):
        kind, do, wait = self.next_event()
        self.recent.append((self.n, world.now(), kind, None))
        what = (do or events.KINDS[kind])(self)
        self.figures["event " + kind] += 1
        wait = self.pause() if wait is None else wait
        if self.traffic.out and not any(self.model.w.answers(p) for p in self.config.peers):
            wait = min(wait, 90) # walk upon walk without an answer: the model need not see 20
        self.recent[-1] = self.n, world.now(), f"{what}; then {wait:.1f} s", None
        if self.opt.verbose:
            print(f"# {self.n} {world.now():.1f} {what}; then {wait:.1f} s", flush=True)
        self.watch(wait)
        self.recent[-1] = self.recent[-1][:3] + (self.view,)
        if self.opt.verbose:
            print(f"#     {say(self.view)}", flush=True)

    def watch(self, seconds):
        """Compares at the end, and where what a switch leaves behind has to be gone."""
        settled = checks.settled_s(self.config) + 1
        if seconds > settled:
            time.sleep(settled)
            self.compare()
            seconds -= settled
        time.sleep(seconds)
        self.compare()

    def begin(self):
        if checks.control_clear(self):
            raise Failure("positive control: a packet in clear was not seen on the wire")
        world.name_branch(f"10.0.0.{self.wan}")
        self.write_config()
        self.start_agent()

    def end(self):
        self.traffic.set(False, False, 1.0)
        self.agent.stop(signal.SIGTERM)
        os.spawnvp(os.P_WAIT, "ip", ["ip", "netns", "exec", self.opt.branch, self.opt.agent, "--flush"])
        if checks.control_clear(self):
            raise Failure("positive control at the end: a packet in clear was not seen on the wire")

    def run(self):
        self.begin()
        while self.n < self.opt.events:
            self.n += 1
            try:
                self.step()
            except (Failure, RuntimeError, OSError) as f: # OSError: the agent is gone
                self.report(str(f))
                self.figures["divergences"] += 1
                if not self.opt.keep_going:
                    return 1
                self.resync()
            if self.n % 100 == 0:
                self.summary("so far")
        self.end()
        self.summary("end")
        return 1 if self.figures["divergences"] else 0

    def resync(self):
        """Only with --keep-going: believe the agent, after a while of quiet."""
        self.traffic.set(False, False, 1.0)
        self.model.traffic(False, False, 1.0, (world.now(), world.now()))
        self.control("session-clear", map="tohub", seq=1)
        time.sleep(40)
        show = self.show()
        a = model.Alt(show["peer"])
        a.next = show["next_rule"]
        self.model.alts = [a]
        self.told.restarted()

    def summary(self, what):
        f = self.figures
        f["seconds"] = int(world.now() - self.started)
        f["told judged"] = self.told.judged
        f["cpu_ms"] = int(time.process_time() * 1000)
        print(f"# soak {what}: seed {self.opt.seed}, {self.n} events, "
              f"{f['seconds'] / 86400:.2f} virtual days, {f['switches']} switches, "
              f"{f['divergences']} divergences, {f['determined']} of {f['compared']} comparisons with one answer; "
              f"{self.told.judged} transitions judged; {self.resources.text()}", flush=True)
        print("# " + json.dumps(dict(sorted(f.items()))), flush=True)

    def report(self, what):
        print(f"# FAILED at event {self.n}: {what}")
        print(f"# again: make soak SEED={self.opt.seed} EVENTS={self.n} KERNEL={self.opt.kernel}")
        print(f"# time {world.now():.3f}; the last events, when they were done, and what was shown after:")
        for n, t, text, view in self.recent:
            print(f"#   {n:5} {t:12.3f} {text}" + (f" => {say(view)}" if view else ""))
        w = self.model.w
        print(f"# world: to {w.to} back {w.back} out={w.out} in={w.into} every {w.interval:.2f} s "
              f"address={w.address} module={w.module} last out {w.last_out:.3f} in {w.last_in:.3f}")
        print(f"# config: {vars(self.config)}")
        print("# the model's alternatives:")
        for a in self.model.alts[:12]:
            print(f"#   {a.show()}")
        try:
            print("# map show: " + json.dumps(self.show()))
            for s in self.xfrm.states():
                print(f"#   SA {s['src']} -> {s['dst']} spi {s['spi']:08x} reqid {s['reqid']:08x}")
            self.agent.read_monitor()
        except OSError as e:
            print(f"# the agent: {e}")
        print("# monitor, the last:")
        for e in self.agent.events[-25:]:
            print(f"#   {e['stamp'] / 1e9:12.3f} {e['event']} {e.get('from')}->{e.get('to')} {e.get('peer')} "
                  f"next={e.get('next')} {e['reason']}: {e['text']}")
        for ns, what in ((self.opt.site, ("route",)), *((h.netns, ("-s", "xfrm", "state")) for h in self.hubs)):
            said = subprocess.run(("ip", "-n", ns, *what), text=True, stdout=subprocess.PIPE, check=False).stdout
            print("# " + f"{ns} ip {' '.join(what)}\n{said}".rstrip().replace("\n", "\n#   "))
        self.tap.ask(f"dump {self.opt.tmp}/soak.pcap")
        for ip in (self.transit_ip, self.branch_ip):
            if ip.errors():
                print("# ip: " + ip.errors()[-500:])
        sys.stdout.flush()


def say(view):
    state, peer, nxt, trying = view
    return f"{state}{' ' + trying if trying else ''} current {peer} next {nxt}"


def options():
    p = argparse.ArgumentParser()
    for name in ("tmp", "lan", "branch", "transit", "site", "agent", "tap", "udpflow", "conf", "log",
                 "psk", "module", "kernel"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--hub", action="append", required=True, help="NETNS:PID, in order")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--events", type=int, default=120)
    p.add_argument("--only", default="", help="kinds of events, comma between; all")
    p.add_argument("--keep-going", action="store_true")
    p.add_argument("--verbose", action="store_true")
    opt = p.parse_args()
    opt.only = [k for k in opt.only.split(",") if k]
    opt.old_kernel = opt.kernel.startswith("6.1.")
    return opt


def main():
    soak = Soak(options())
    try:
        return soak.run()
    finally:
        soak.agent.kill() # whatever the reason: the machine is others', too


if __name__ == "__main__":
    sys.exit(main())
