# SPDX-License-Identifier: GPL-2.0-or-later
"""What may happen: each kind draws from the walk's generator only, never from
what the agent shows, so that a seed is one sequence of events. Each does it in
the world, tells the model, and returns what it did, in words."""
import signal
import time

import model
import world


def path(s):
    """A hub dies, comes back, or is cut off one way."""
    hub = s.rng.choice(s.hubs)
    was = s.model.w.to[hub.address], s.model.w.back[hub.address]
    to, back = s.rng.choice([x for x in [(True, True)] * 8 + [(False, False)] * 3 + [(True, False), (False, True)]
                             if x != was])
    set_path(s, hub, to, back)
    return f"{hub.address}: to it {'open' if to else 'cut'}, back {'open' if back else 'cut'}"


def set_path(s, hub, to, back):
    w, a = s.model.w, hub.address
    commands = []
    if w.to[a] != to:
        commands.append(f"route {'del' if to else 'add'} blackhole {a}/32")
    if w.back[a] != back:
        commands.append(f"rule {'del' if back else 'add'} from {a} blackhole pref 100")
    s.act(lambda: s.transit_ip(*commands), lambda t: s.model.path(a, to, back, t))


def restore_all(s):
    for hub in s.hubs:
        set_path(s, hub, True, True)
    return "all paths open"


def traffic(s):
    out, into = s.rng.choice([(True, False)] * 3 + [(False, True), (True, True), (False, False)])
    interval = s.rng.choice([1.0, 1.0, 3.0, 7.0])
    s.act(lambda: s.traffic.set(out, into, interval),
          lambda t: s.model.traffic(out, into, interval, t))
    return f"traffic out={out} in={into} every {interval} s"


def packet(s):
    """A single packet of the LAN, then silence."""
    s.act(lambda: s.traffic.set(True, False, 1.0), lambda t: s.model.traffic(True, False, 1.0, t))
    time.sleep(0.3)
    s.act(lambda: s.traffic.set(False, False, 1.0), lambda t: s.model.traffic(False, False, 1.0, t))
    return "one packet"


def burst(s):
    """A hundred packets or so in a second, from either side or both, then silence."""
    out, into = s.rng.choice(((True, False), (False, True), (True, True)))
    s.act(lambda: s.traffic.set(out, into, 0.01), lambda t: s.model.traffic(out, into, 0.01, t))
    time.sleep(1)
    s.act(lambda: s.traffic.set(False, False, 1.0), lambda t: s.model.traffic(False, False, 1.0, t))
    return f"a burst, out={out} in={into}"


def quiet(s):
    s.act(lambda: s.traffic.set(False, False, 1.0), lambda t: s.model.traffic(False, False, 1.0, t))
    return "no traffic"


def operator(cmd, tell):
    def kind(s):
        s.operate(cmd, tell)
        return cmd
    return kind


def reload_same(s):
    s.act(lambda: s.control("reload"), lambda t: None)
    return "reload of the same configuration"


def edit(s):
    """Peers added, removed, in another order; default; the idle timer."""
    c = s.config
    peers, default, idle, home = list(c.peers), c.default, c.idle, c.idle_home
    what = s.rng.choice(("peers", "default", "idle", "all"))
    if what in ("peers", "all"):
        peers = s.rng.sample([h.address for h in s.hubs], s.rng.choice((1, 2, 2, 3, 3, 3)))
    if what in ("default", "all"):
        default = s.rng.random() < 0.6
    if what in ("idle", "all"):
        idle, home = s.rng.choice((0, 60, 60, 90, 300)), s.rng.random() < 0.5
    return configure(s, peers, default, idle, home)


def configure(s, peers, default, idle, home):
    s.reconfigure(model.Config(peers, default, idle, home, s.config.dpd))
    return f"peers {' '.join(peers)} default={default} idle={idle}{' default' if home else ''}"


def clock(s):
    step = s.rng.choice((-1, 1)) * s.rng.choice((1, 30, 600, 7200, 86400))
    s.act(lambda: world.clock_step(step), lambda t: s.model.clock_stepped(t[1]))
    return f"clock {step:+} s"


def restart(sig):
    def kind(s):
        s.agent.stop(sig)
        time.sleep(s.rng.choice((0, 0, 5, 40)))
        s.configure_liveness()
        s.start_agent()
        return f"agent ended by {sig.name} and started, dpd {' '.join(str(x) for x in s.config.dpd)}"
    return kind


def module(s):
    loaded = not world.module_loaded()
    s.act(lambda: world.module_set(s.opt.module, loaded),
          lambda t: s.model.touch_module(loaded, t[1]))
    return "module " + ("loaded" if loaded else "unloaded")


def reboot(s):
    """Power off and on; cut meanwhile, so that nothing says so."""
    hub = s.rng.choice(s.hubs)
    w = s.model.w
    to, back = w.to[hub.address], w.back[hub.address]
    set_path(s, hub, False, False)
    s.act(hub.reboot, lambda t: s.model.reboot(hub.address, t))
    set_path(s, hub, to, back)
    return f"{hub.address} rebooted"


def wan_moves(s):
    """The provider gives another address: the new one before the old one goes, or after a gap."""
    old, s.wan = s.wan, 2 + (s.wan - 1) % 6
    gap = s.rng.choice((None, 0.5, 20, 100))
    new, gone = f"addr add 10.0.0.{s.wan}/24 dev wan0", f"addr del 10.0.0.{old}/24 dev wan0"
    route = "route replace default via 10.0.0.1"
    if gap is None:
        s.act(lambda: s.branch_ip(new, gone, route), lambda t: (s.model.address(False, t), s.model.address(True, t)))
    else:
        s.act(lambda: s.branch_ip(gone), lambda t: s.model.address(False, t))
        time.sleep(gap)
        s.act(lambda: s.branch_ip(new, route), lambda t: s.model.address(True, t))
    world.name_branch(f"10.0.0.{s.wan}")
    return f"WAN address 10.0.0.{old} -> 10.0.0.{s.wan}, {'without a gap' if gap is None else f'gap {gap} s'}"


def hub_deletes(s):
    hub = s.rng.choice(s.hubs)
    s.act(hub.terminate_ike, lambda t: s.model.hub_deletes_ike(hub.address, t))
    return f"{hub.address} deletes its IKE SAs"


def forget(s, hub):
    """A power cut that costs no start of charon: its IKE SAs go and nobody hears of it."""
    w = s.model.w
    to, back = w.to[hub.address], w.back[hub.address]
    set_path(s, hub, to, False)

    def do():
        hub.terminate_ike()
        time.sleep(0.3)
    s.act(do, lambda t: s.model.reboot(hub.address, t))
    set_path(s, hub, to, back)


def state_loss(s):
    hub = s.rng.choice(s.hubs)
    forget(s, hub)
    return f"{hub.address} lost its state"


def hub_calls(s):
    """It has no IKE SA of the branch (any more) and opens one."""
    return call(s, s.rng.choice(s.hubs))


def call(s, hub):
    forget(s, hub)
    if not s.model.w.answers(hub.address) or not s.model.w.address:
        return f"{hub.address} lost its state"
    s.act(hub.initiate, lambda t: s.model.hub_calls(hub.address, t))
    return f"{hub.address} lost its state and calls"


def hub_deletes_child(s):
    hub = s.rng.choice(s.hubs)
    if not s.model.w.answers(hub.address):
        return f"{hub.address} would delete its pair, but is cut off"
    s.act(hub.terminate_child, lambda t: s.model.hub_deletes_child(hub.address, t))
    return f"{hub.address} deletes its pair"


KINDS = {
    "path": path,
    "restore": restore_all,
    "traffic": traffic,
    "packet": packet,
    "burst": burst,
    "quiet": quiet,
    "connect": operator("map-connect", "connect"),
    "clear-session": operator("session-clear", "clear_session"),
    "clear-sa": operator("sa-clear", "clear_sa"),
    "reset": operator("map-reset", "clear_session"),
    "reload": reload_same,
    "edit": edit,
    "clock": clock,
    "kill": restart(signal.SIGKILL),
    "term": restart(signal.SIGTERM),
    "module": module,
    "reboot": reboot,
    "wan": wan_moves,
    "hub-deletes": hub_deletes,
    "state-loss": state_loss,
    "hub-calls": hub_calls,
    "hub-deletes-child": hub_deletes_child,
}

WEIGHTS = {
    "path": 26, "restore": 4, "traffic": 20, "packet": 9, "burst": 4, "quiet": 4, "connect": 3, "clear-session": 2,
    "clear-sa": 3, "reset": 2, "reload": 1, "edit": 8, "clock": 2, "kill": 2, "term": 2, "module": 2,
    "reboot": 1, "wan": 3, "hub-deletes": 3, "state-loss": 3, "hub-calls": 6, "hub-deletes-child": 3,
}


# ---- phases: what rarely comes together by itself -----------------------------------
# Each is a list of (kind, what to do, how long to wait after it).


def all_peers(s, default):
    return configure(s, [h.address for h in s.hubs], default, 300, True)


def flowing(s):
    s.act(lambda: s.traffic.set(True, False, 1.0), lambda t: s.model.traffic(True, False, 1.0, t))
    return "traffic out=True in=False every 1.0 s"


def cut(n, cut_off):
    def do(s):
        set_path(s, s.hubs[n], not cut_off, not cut_off)
        return f"{s.hubs[n].address}: {'cut' if cut_off else 'open'} both ways"
    return do


def calls(n):
    def do(s):
        return call(s, s.hubs[n])
    return do


def opening(rng, default):
    return [("restore", restore_all, 1), ("edit", lambda s: all_peers(s, default), 1),
            ("traffic", flowing, rng.uniform(20, 60))]


def deaths(rng):
    """Without a default each hub dies in its turn, whoever is in use by then."""
    order = rng.sample(range(3), 3)
    return opening(rng, False) + \
        [("path", cut(n, dead), 60 if dead else 2) for n in order for dead in (True, False)]


def dark(rng):
    """No hub answers, walk upon walk."""
    return opening(rng, rng.random() < 0.5) + [("path", cut(n, True), 0) for n in range(2)] + \
        [("path", cut(2, True), 90), ("nothing", lambda s: "nothing", 90), ("restore", restore_all, 70)]


def homecoming(rng):
    """The default dies, another carries the traffic, the default is back and calls."""
    return opening(rng, True) + [("path", cut(0, True), 60), ("path", cut(0, False), 2),
                                 ("hub-calls", calls(0), rng.uniform(30, 80))]


PHASES = (deaths, homecoming, dark)


def phase(rng, n):
    return PHASES[n % len(PHASES)](rng)


def choose(rng, n, total, only):
    """Restarts of the agent in a third of the time only: memory is judged in lives."""
    era = max(total // 10, 120)
    long_life = n % era > era // 3
    kinds = [k for k in KINDS if (not only or k in only) and
             not (long_life and k in ("kill", "term") and not only)]
    return rng.choices(kinds, [WEIGHTS[k] for k in kinds])[0]
