# SPDX-License-Identifier: GPL-2.0
"""Answers questions about JSON for a shell script, until it ends.

A request on standard input is words that end with NUL: its number, how many
words follow, a verb, its arguments. An answer is that number, a blank, a status,
0 or 1 ("0", what to print; "1", what was wrong), and NUL. lib_json.sh is the other
end.
"""

import json
import sys


class Object(dict):
    """o.name is o["name"], None if it is absent."""

    __getattr__ = dict.get


def load(text):
    return json.loads(text, object_hook=Object)


def load_lines(path):
    """One object per line; the last line may still be being written."""
    with open(path, encoding="utf-8") as f:
        return [load(line) for line in f if line.endswith("\n")]


def shown(value):
    """As a shell script wants it: nothing for what is absent."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def value(expression, text):
    """d: the document; o: it, or its first object."""
    d = load(text)
    o = d if isinstance(d, dict) else (d + [Object()])[0]
    return shown(eval(expression, {"d": d, "o": o}))


def log(expression, path):
    """l: the objects of the log; last: of a list, the last or an empty object"""
    names = {"l": load_lines(path), "last": lambda x: (Object(), *x)[-1]}
    return shown(eval(expression, names))


def objects(expression, text):
    """A line for each object o of the list l."""
    d = load(text)
    l = d if isinstance(d, list) else [d]
    return "\n".join(str(eval(expression, {"o": o, "l": l})) for o in l)


def events(path, condition, *fields):
    """A line for each event e of the log that meets the condition."""
    found = (e for e in load_lines(path) if eval(condition, {"e": e}))
    return "\n".join(" ".join(str(e.get(f)) for f in fields or ["event"]) for e in found)


VERBS = {f.__name__: f for f in (value, log, objects, events)}


def words(stream):
    rest = b""
    while chunk := stream.read1():
        *whole, rest = (rest + chunk).split(b"\0")
        yield from (w.decode() for w in whole)


def main():
    source = words(sys.stdin.buffer)
    for number in source:
        verb, *arguments = [next(source) for _ in range(int(next(source)))]
        try:
            answer = "0" + VERBS[verb](*arguments)
        except Exception as e:  # a question of the script's: the script tells
            answer = f"1{verb} {arguments[0]}: {e!r}"
        sys.stdout.buffer.write(f"{number} {answer}\0".encode())
        sys.stdout.buffer.flush()


main()
