# SPDX-License-Identifier: GPL-2.0
"""Runs the examples of a manual page.

man_examples.py PAGE KIND: of PAGE the blocks behind a comment `example: KIND`. In such a
block "# COMMAND" is run by the shell, and the lines up to the next one are what it prints,
on either stream. Numbers may be others, blanks and line breaks too.
"""

import re
import subprocess
import sys


def plain(line):
    """What the reader sees of a line of roff."""
    for roff, text in ((r"\(->", "→"), (r"\&", ""), (r"\-", "-"), (r"\(rs", "\\"), (r"\e", "\\")):
        line = line.replace(roff, text)
    return line


def blocks(path, kind):
    """Lists of lines."""
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    mark = f'.\\" example: {kind}'
    for at, line in enumerate(lines):
        if line == mark:
            end = lines.index(".fi", at)
            yield [plain(l) for l in lines[at + 1:end] if not l.startswith(".")]


def examples(path, kind):
    """Pairs of a command and what it prints."""
    for block in blocks(path, kind):
        command, said = None, []
        for line in block + ["# "]:
            if line.startswith("# "):
                if command:
                    yield command, "\n".join(said)
                command, said = line[2:], []
            else:
                said.append(line)


def shape(text):
    """What has to be the same."""
    text = re.sub(r"\b[0-9a-f]{8}\b", "SPI", text)
    return " ".join(re.sub(r"\d+(\.\d+)*", "N", text).split())


def main():
    ran = 0
    for command, wanted in examples(sys.argv[1], sys.argv[2]):
        run = subprocess.run(command, shell=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False)
        ran += 1
        if shape(run.stdout) != shape(wanted):
            print(f"{command}\nprints:\n{run.stdout}and not:\n{wanted}")
            return 1
    print(f"{ran} examples")
    return 0 if ran else 1


if __name__ == "__main__":
    sys.exit(main())
