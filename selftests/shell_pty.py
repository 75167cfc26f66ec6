#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A person at a terminal: types to a program key by key, and waits for what he is to see.

usage: shell_pty.py TRANSCRIPT PATIENCE COMMAND… <SCRIPT

Lines of SCRIPT; what is seen is what came since the last keys:
  type TEXT     at a prompt, key by key, each after the one before was echoed, then Enter
  keys TEXT     likewise without Enter; \\t \\x1a \\x03 and the like are keys
  enter         alone
  secret TEXT   that is not echoed, and Enter
  see REGEX     wait for it
  prompt TEXT   wait until that is the last thing on the screen
  not REGEX     it is not there
  lines N       so many lines, the typed one and the prompt apart
  hangup        the terminal goes away
  end           the program has ended by itself, with status 0
Exit status 0, or 1 with what was expected and what is on the screen."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>78]|\x00")


class Terminal:
    def __init__(self, transcript, patience, command):
        self.patience = patience
        self.raw = ""
        self.mark = 0
        self.log = open(transcript, "a", encoding="utf-8")
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ["TERM"] = "xterm"
            os.execvp(command[0], command)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self, seconds):
        """What comes within that time; False at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        text = self.decoder.decode(data)
        self.raw += text
        self.log.write(text)
        self.log.flush()
        return bool(data)

    def seen(self):
        return ESCAPES.sub("", self.raw[self.mark:]).replace("\r\n", "\n")

    def wait(self, condition, what):
        end = time.monotonic() + self.patience
        while not condition():
            if time.monotonic() > end or not self.read(1):
                if condition():
                    return
                sys.exit(f"not seen: {what}\non the screen:\n{self.seen()}")

    def keys(self, text, echoed=True):
        self.mark = len(self.raw)
        for key in re.findall("\x1b\\[.|.", text):
            before = len(self.raw)
            os.write(self.fd, key.encode())
            if echoed:
                self.wait(lambda before=before: len(self.raw) > before, f"an echo of {key!r}")

    def status(self):
        while self.read(self.patience):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def obey(terminal, verb, rest):
    if verb == "type":
        terminal.wait(lambda: re.search(r"(^|[\r\n])\S+[>#]$", terminal.seen()), "a prompt")
        terminal.keys(rest)
        os.write(terminal.fd, b"\r")
    elif verb == "enter":
        terminal.keys("\r", False)
    elif verb == "keys":
        terminal.keys(codecs.decode(rest, "unicode_escape"))
    elif verb == "secret":
        terminal.keys(rest + "\r", False)
    elif verb == "see":
        terminal.wait(lambda: re.search(rest, terminal.seen(), re.M), rest)
    elif verb == "prompt":
        terminal.wait(lambda: re.split("[\r\n]", terminal.seen())[-1] == rest, rest)
    elif verb == "not":
        if re.search(rest, terminal.seen(), re.M):
            sys.exit(f"seen: {rest}\non the screen:\n{terminal.seen()}")
    elif verb == "lines":
        if len(terminal.seen().split("\n")) - 2 != int(rest):
            sys.exit(f"not {rest} lines on the screen:\n{terminal.seen()}")
    elif verb == "hangup":
        os.close(terminal.fd)
        status = os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1])
        if status not in (0, 1, -signal.SIGHUP):
            sys.exit(f"ended with {status} when the terminal went away")
    elif verb == "end":
        status = terminal.status()
        if status:
            sys.exit(f"ended with status {status}\non the screen:\n{terminal.seen()}")
    else:
        sys.exit(f"no such verb: {verb}")


def main():
    terminal = Terminal(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
    for line in sys.stdin:
        verb, _, rest = line.strip("\n").lstrip().partition(" ")
        if verb and not verb.startswith("#"):
            obey(terminal, verb, rest)


main()
