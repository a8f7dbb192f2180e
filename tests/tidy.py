#!/usr/bin/env python3
"""clang-tidy over the programs' C files, as build/clang compiles them.

A file that was found clean is not looked at again until it changes, or something that it includes, or the list of
checks: what counts is the text that the compiler sees. One file a process, since clang-tidy 14's check of va_lists errs
when it has seen another file before.
"""

import hashlib
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO / "scripts"))

from stacklib.cache import Cache  # noqa: E402

TIDY = "clang-tidy-14"
BUILD = REPO / "build/clang"
FOLDERS = ("common", "command-svc", "query-svc", "projector", "bench")
CLEAN = Cache().root / "clang-tidy"


def sources() -> list[dict]:
    """The compile commands of the files to look at."""
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    return [c for c in commands if Path(c["file"]).relative_to(REPO).parts[0] in FOLDERS]


def fingerprint(source: dict) -> str:
    """Of all that decides what clang-tidy says of a file."""
    words = shlex.split(source["command"])
    at = words.index("-o")
    preprocess = [*words[:at], *words[at + 2 :], "-E", "-C", "-P"]
    preprocess.remove("-c")
    text = subprocess.run(preprocess, cwd=source["directory"], capture_output=True, check=True).stdout
    return hashlib.sha256(text + (REPO / ".clang-tidy").read_bytes()).hexdigest()


def look_at(source: dict) -> bool:
    """True if the file is clean; prints what is found in it."""
    path = Path(source["file"]).relative_to(REPO)
    stamp = CLEAN / fingerprint(source)
    if stamp.exists():
        os.utime(stamp)
        return True
    argv = [TIDY, "--quiet", "-p", str(BUILD), str(path)]
    ended = subprocess.run(argv, cwd=REPO, capture_output=True, text=True)
    if ended.returncode == 0:
        stamp.touch()
    else:
        print(ended.stdout or ended.stderr, flush=True)
    return ended.returncode == 0


def main() -> int:
    CLEAN.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        clean = list(pool.map(look_at, sources()))
    print(f"{clean.count(True)} of {len(clean)} files are clean")
    return 0 if clean and all(clean) else 1


if __name__ == "__main__":
    sys.exit(main())
