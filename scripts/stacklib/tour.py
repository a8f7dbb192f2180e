"""The README's tour, run for real: its console blocks are the only place where the commands stand.

A command begins with "$ " and goes on while its lines end with a backslash; what follows up to the next
command is its output as the README shows it.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .errors import StackError
from .ports import HOST

README = Path(__file__).resolve().parents[2] / "README.md"


@dataclass
class Command:
    text: str
    about: str  # the paragraph before its block
    shown: str  # its output in the README
    output: str = ""


def commands(readme: Path = README) -> list[Command]:
    """The tour's commands in order."""
    found: list[Command] = []
    about = ""
    inside = new_paragraph = False
    for line in readme.read_text().splitlines():
        if line.startswith("```"):
            inside = line == "```console"
        elif not inside:
            if line:
                about = line if new_paragraph else f"{about} {line}"
            new_paragraph = not line
        elif found and found[-1].text.endswith("\\"):
            found[-1].text += "\n" + line
        elif line.startswith("$ "):
            found.append(Command(line[2:], about, ""))
            about = ""
        else:
            found[-1].shown += line + "\n"
    return found


def run(stack) -> list[Command]:
    """Runs the tour against `stack` in one shell, since its commands share variables."""
    tour = commands()
    script = "".join(f"{command.text}\nprintf '\\0%d\\0' $?\n" for command in tour)
    environment = os.environ | stack.env | {"no_proxy": HOST}  # curl would ask a proxy for this machine, too
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True, env=environment
    )
    parts = done.stdout.replace("\r", "").split("\0")
    if len(parts) != 2 * len(tour) + 1:
        raise StackError(f"tour: the shell gave up:\n{done.stderr}")
    for command, output, status in zip(tour, parts[0::2], parts[1::2], strict=False):
        command.output = output
        if status != "0":
            raise StackError(f"tour: this ended with {status}:\n{command.text}\n{output}{done.stderr}")
    return tour


def show(stack) -> None:
    """Prints the tour with the answers of `stack`."""
    for command in run(stack):
        if command.about:
            print(f"\n# {command.about}")
        print(f"$ {command.text}\n{command.output}", end="", flush=True)
