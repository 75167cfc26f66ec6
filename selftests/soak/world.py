# SPDX-License-Identifier: GPL-2.0-or-later
"""The world of the soak: namespaces, traffic, hubs, the tap, the kernel's SAs
and policies. What happens here is what was told to happen; nothing is judged.

In virtual time starting a program is what costs, so everything is talked to
over something that stays open: `ip -batch` per namespace, vici per hub,
netlink, the tap's pipe.
"""
import ctypes
import json
import os
import select
import signal
import socket
import struct
import subprocess
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000

LAN, SITE = "192.168.1.10", "192.168.2.10"
PORT = 5000
STARTS_IN = 600


def now():
    """CLOCK_BOOTTIME in seconds, as the agent's stamps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def in_netns(name, make):
    """make() with this process in the namespace: what it opens stays there."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {name}")
        return make()
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(home)
        os.close(there)


class IpBatch:
    """`ip -batch` that stays open, in one namespace."""

    def __init__(self, netns):
        self.err = open(f"/tmp/soak-ip-{netns}.err", "w+")
        self.proc = subprocess.Popen(["ip", "-n", netns, "-force", "-batch", "-"],
                                     stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                     stderr=self.err, text=True)

    def __call__(self, *lines):
        """One CPU: ip has done them by the time that we run again after a sleep."""
        for line in lines:
            self.proc.stdin.write(line + "\n")
        self.proc.stdin.flush()
        time.sleep(0.02)

    def errors(self):
        self.err.seek(0)
        return self.err.read()


class Tap:
    def __init__(self, program, netns):
        self.proc = subprocess.Popen(["ip", "netns", "exec", netns, program, "branch"],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.proc.stdout.readline()

    def ask(self, line):
        self.proc.stdin.write(line + "\n")
        self.proc.stdin.flush()
        return json.loads(self.proc.stdout.readline())

    def stats(self):
        return self.ask("stats")


class Traffic(threading.Thread):
    """Packets between the LAN and the site, in either direction or both."""

    def __init__(self, lan, site):
        super().__init__(daemon=True)
        self.lan = in_netns(lan, lambda: self.open(LAN))
        self.site = in_netns(site, lambda: self.open(SITE))
        self.changed = threading.Condition()
        self.out = self.into = False
        self.interval = 1.0
        self.last_out = self.last_in = -1e9
        self.sent_out = self.sent_in = self.got_out = self.got_in = 0
        self.start()

    @staticmethod
    def open(address):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setblocking(False)
        s.bind((address, PORT))
        return s

    def set(self, out, into, interval):
        with self.changed:
            self.out, self.into, self.interval = out, into, interval
            self.changed.notify()

    def run(self):
        with self.changed:
            while True:
                if not self.out and not self.into:
                    self.changed.wait()
                    continue
                self.tick()
                self.changed.wait(self.interval)

    def tick(self):
        if self.out:
            self.last_out = now()
            self.sent_out += self.send(self.lan, SITE)
        if self.into:
            self.last_in = now()
            self.sent_in += self.send(self.site, LAN)
        self.take()

    @staticmethod
    def send(sock, to):
        try:
            sock.sendto(b"soak", (to, PORT))
        except OSError:
            pass # no route, or a policy without SA: lost, as it should be
        return 1

    def take(self):
        """What has arrived by now is counted and forgotten."""
        self.got_out += self.drain(self.site)
        self.got_in += self.drain(self.lan)

    @staticmethod
    def drain(sock):
        n = 0
        while True:
            try:
                sock.recv(64)
            except OSError:
                return n
            n += 1


class Vici:
    """The part of charon's control protocol that is needed (README of libvici)."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(path)

    def close(self):
        self.sock.close()

    def read(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise ConnectionError("charon closed vici")
            data += more
        return data

    def request(self, command, **keys):
        body = bytes([0, len(command)]) + command.encode()
        for k, v in keys.items():
            v = str(v).encode()
            body += bytes([3, len(k)]) + k.encode() + struct.pack(">H", len(v)) + v
        self.sock.sendall(struct.pack(">I", len(body)) + body)
        return self.read(struct.unpack(">I", self.read(4))[0])


class Hub:
    """charon N: lib_peers.sh made its files and started it the first time."""

    def __init__(self, n, tmp, netns, pid, udpflow):
        self.n, self.netns, self.pid, self.udpflow = n, netns, pid, udpflow
        self.address = f"10.{n}.{n}.{n}"
        self.tmp, self.dir = tmp, f"{tmp}/hub{n}"
        self.vici = Vici(f"{self.dir}/vici")
        self.xfrm = in_netns(netns, Xfrm)

    def env(self):
        return dict(os.environ, STRONGSWAN_CONF=f"{self.dir}/strongswan.conf", SWANCTL_DIR=self.dir)

    def reboot(self):
        """Power off, power on: neither IKE SAs nor SAs nor policies are left, nor its routes."""
        self.vici.close()
        kill_and_wait(self.pid, signal.SIGKILL)
        self.xfrm.flush()
        for name in os.listdir(self.dir):
            if name.startswith("up-"):
                os.unlink(f"{self.dir}/{name}")
        run = subprocess.run([self.udpflow, "notify", f"{self.dir}/notify", str(STARTS_IN), "ip", "netns", "exec",
                              self.netns, "charon-systemd"], env=self.env(), text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        self.pid = int(run.stdout)
        subprocess.run(["swanctl", "--load-all", "--noprompt", "--uri", f"unix://{self.dir}/vici"],
                       env=self.env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        self.vici = Vici(f"{self.dir}/vici")

    def terminate_ike(self):
        """DELETE of its IKE SAs, and gone whether that is answered or not."""
        self.vici.request("terminate", ike="branch4", force="yes", timeout=-1)

    def terminate_child(self):
        self.vici.request("terminate", child="branch4-net4", timeout=-1)

    def initiate(self):
        self.vici.request("initiate", child="branch4-net4", timeout=-1)


def kill_and_wait(pid, sig, seconds=30):
    os.kill(pid, sig)
    end = now() + seconds
    while os.path.isdir(f"/proc/{pid}"):
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        if now() > end:
            raise TimeoutError(f"process {pid} does not end on signal {sig}")
        time.sleep(0.02)


class Xfrm:
    """The SAD and the SPD of a namespace, over netlink (linux/xfrm.h)."""

    DELSA, GETSA, GETPOLICY, FLUSHSA, FLUSHPOLICY = 0x11, 0x12, 0x15, 0x1c, 0x1d
    TMPL = 5

    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 6)
        self.sock.settimeout(10)
        self.sock.bind((0, 0))
        self.seq = 0

    def call(self, kind, flags, body):
        self.seq += 1
        self.sock.send(struct.pack("=IHHII", 16 + len(body), kind, flags | 1, self.seq, 0) + body)

    def flush(self):
        for kind, body in ((self.FLUSHSA, b"\xff" + bytes(3)), (self.FLUSHPOLICY, b"")):
            self.call(kind, 4, body)
            self.sock.recv(65536)

    def dump(self, kind):
        self.call(kind, 0x300, b"")
        while True:
            data, at = self.sock.recv(1 << 20), 0
            while at + 16 <= len(data):
                size, what = struct.unpack_from("=IH", data, at)
                if what == 3:
                    return
                if what == 2:
                    raise OSError("xfrm dump refused")
                yield data[at + 16:at + size]
                at += (size + 3) & ~3

    def states(self):
        """Dicts src dst spi reqid; SPI 0 is a larval. struct xfrm_usersa_info."""
        for m in self.dump(self.GETSA):
            family = struct.unpack_from("=H", m, 212)[0]
            yield {"dst": address(m[56:72], family), "spi": struct.unpack_from(">I", m, 72)[0],
                   "src": address(m[80:96], family), "reqid": struct.unpack_from("=I", m, 208)[0],
                   "proto": m[76]}

    def policies(self):
        """Dicts dir src dst action, and of the template: src dst reqid."""
        for m in self.dump(self.GETPOLICY):
            family = struct.unpack_from("=H", m, 40)[0]
            tmpl = attribute(m[168:], self.TMPL)
            p = {"dir": m[160], "action": m[161], "dst": f"{address(m[0:16], family)}/{m[42]}",
                 "src": f"{address(m[16:32], family)}/{m[43]}", "tmpl": None}
            if tmpl:
                tf = struct.unpack_from("=H", tmpl, 24)[0]
                p["tmpl"] = (address(tmpl[28:44], tf), address(tmpl[0:16], tf),
                             struct.unpack_from("=I", tmpl, 44)[0])
            yield p


def address(data, family):
    return socket.inet_ntop(family, data[:4] if family == socket.AF_INET else data)


def attribute(data, wanted):
    at = 0
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, at)
        if kind == wanted:
            return data[at + 4:at + size]
        at += max((size + 3) & ~3, 4)
    return None


class Agent:
    """prefpeerd and its control socket."""

    CONTROL = "/run/prefpeer/control"
    # By itself malloc keeps a reload's large tables sometimes, and sometimes not: whatever is
    # large goes back when it is freed, so that a leak stands out.
    MALLOC = {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=131072"}

    def __init__(self, program, netns, conf, log):
        self.program, self.netns, self.conf, self.log = program, netns, conf, log
        self.pid = self.proc = self.ask_sock = self.monitor = None
        self.ask_data = self.monitor_data = b""
        self.events = []

    def start(self):
        """Until READY=1; while something is read from the host's disk, virtual time runs ahead."""
        path = "/run/soak-notify"
        if os.path.exists(path):
            os.unlink(path)
        ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        ready.bind(path)
        os.chmod(path, 0o777)
        ready.settimeout(STARTS_IN)
        self.proc = in_netns(self.netns, lambda: subprocess.Popen(
            [self.program, "-f", self.conf], env=dict(os.environ, NOTIFY_SOCKET=path, **self.MALLOC),
            stderr=open(self.log, "a"), stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL))
        self.pid = self.proc.pid
        while b"READY=1" not in ready.recv(4096):
            pass
        ready.close()
        self.connect()

    def connect(self):
        self.ask_sock, self.ask_data = self.open(), b""
        self.monitor, self.monitor_data = self.open(), b""
        self.monitor.sendall(b'{"cmd":"monitor"}\n')

    def open(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(30)
        s.connect(self.CONTROL)
        return s

    def ask(self, cmd, **keys):
        self.ask_sock.sendall(json.dumps(dict(keys, cmd=cmd)).encode() + b"\n")
        while b"\n" not in self.ask_data:
            more = self.ask_sock.recv(65536)
            if not more:
                raise ConnectionError("the agent closed its control socket")
            self.ask_data += more
        line, self.ask_data = self.ask_data.split(b"\n", 1)
        return json.loads(line)

    def read_monitor(self):
        """New events; the last 200 stay for whoever has to read them."""
        new = []
        while select.select([self.monitor], [], [], 0)[0]:
            more = self.monitor.recv(65536)
            if not more:
                break
            self.monitor_data += more
        *lines, self.monitor_data = self.monitor_data.split(b"\n")
        for line in lines:
            e = json.loads(line)
            if "event" in e:
                new.append(e)
        self.events = (self.events + new)[-200:]
        return new

    def stop(self, sig):
        self.proc.send_signal(sig)
        self.proc.wait(60)
        for s in (self.ask_sock, self.monitor):
            if s:
                s.close()

    def kill(self):
        if self.proc and self.proc.poll() is None:
            self.stop(signal.SIGKILL)

    def memory(self):
        """Memory of its own in KiB, without pages of programs and libraries, which come with
        the first use of each; and open descriptors."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as f:
            own = next(int(l.split()[1]) for l in f if l.startswith("Anonymous:"))
        return own, len(os.listdir(f"/proc/{self.pid}/fd"))


def module_loaded():
    return os.path.isdir("/sys/module/prefpeer")


def module_set(path, loaded):
    """insmod or rmmod; a dump in flight may hold a reference for a moment."""
    for _ in range(50):
        done = subprocess.run(["insmod", path] if loaded else ["rmmod", "prefpeer"],
                              stderr=subprocess.DEVNULL, check=False)
        if module_loaded() == loaded:
            return
        time.sleep(0.2)
    raise OSError(f"module: {done}")


def clock_step(seconds):
    time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)


def name_branch(address):
    """Hubs call it by a name."""
    with open("/etc/hosts", "r+", encoding="ascii") as f:
        lines = [l for l in f if "branch.soak" not in l]
        f.seek(0)
        f.truncate()
        f.writelines(lines + [f"{address} branch.soak\n"])
