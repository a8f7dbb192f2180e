#!/usr/bin/env python3
"""Builds everything in a root of Debian's unstable release, which has MySQL's own client library (libmysqlclient 9.7) and the newest of all
others, and runs the unit tests there. The programs in build/sid/wrapped can then be run from here.

The root is made once, in the cache of downloads; nothing but it and build/sid is written to, and nothing stays mounted. Needs to be root.
"""

import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO / "scripts"))

from stacklib import command, packages  # noqa: E402
from stacklib.account import running_as_root  # noqa: E402
from stacklib.cache import Cache  # noqa: E402
from stacklib.downloads import KEYRING, RELEASE  # noqa: E402
from stacklib.errors import StackError  # noqa: E402

BUILD = REPO / "build/sid"
LOGS = REPO / ".test/logs"
PROGRAMS = ("command-svc", "query-svc", "projector")

# In a mount namespace of its own: whatever ends this, the mounts are gone.
INSIDE = """
set -e
mount --bind "$1" "$3/mnt" && mount -o remount,bind,ro "$3/mnt"
mount --bind "$2" "$3/srv"
mount -t proc proc "$3/proc"
mount -t tmpfs tmpfs "$3/tmp"
exec chroot "$3" env -i PATH=/usr/sbin:/usr/bin HOME=/tmp LC_ALL=C.UTF-8 sh -ec '
    pkg-config --modversion mysqlclient
    cmake -S /mnt -B /srv -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo
    cmake --build /srv --parallel 2 -- -k 0
    ctest --test-dir /srv --output-on-failure --parallel 2'
"""


def root() -> Path:
    def build(folder: Path) -> None:
        log = LOGS / "sid-root.log"
        packages.ensure([("debootstrap", "debootstrap"), ("util-linux", "unshare")], log)
        wanted = [name for name, _ in packages.BUILD if name != "libmariadb-dev"] + ["libmysqlclient-dev"]
        kept = Cache().root / "debs"
        kept.mkdir(parents=True, exist_ok=True)
        words = ["debootstrap", "--variant=minbase", f"--keyring={KEYRING}", f"--cache-dir={kept}"]
        words += [f"--include={','.join(wanted)}", RELEASE, str(folder), packages.debian_mirror()]
        command.run(words, "making a root of Debian unstable", log)

    return Cache().entry("sid-root", build)


def wrap(folder: Path) -> None:
    """The programs belong to that root's C library: each is run through its loader."""
    (loader,) = folder.glob("usr/lib/*/ld-linux-*.so.*")
    wrapped = BUILD / "wrapped"
    wrapped.mkdir(exist_ok=True)
    for name in PROGRAMS:
        script = wrapped / name
        script.write_text(f'#!/bin/sh\nexec {loader} --library-path {loader.parent} {BUILD}/bin/{name} "$@"\n')
        script.chmod(0o755)


def main() -> None:
    if not running_as_root():
        raise StackError("a root of another release can be made and entered by root only")
    LOGS.mkdir(parents=True, exist_ok=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    folder = root()
    wrap(folder)
    subprocess.run(
        ["unshare", "--mount", "sh", "-c", INSIDE, "sh", REPO, BUILD, folder], check=True, stdin=subprocess.DEVNULL
    )


if __name__ == "__main__":
    try:
        main()
    except (StackError, subprocess.CalledProcessError) as error:
        sys.exit(f"sid: {error}")
