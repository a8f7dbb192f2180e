"""The user that the servers run as.

PostgreSQL refuses to run as root, and no server here needs to be root. So when the stack is started by
root, all of them run as one system user of their own. A checkout may lie below a folder that only root can
enter (/root, mktemp -d); then, and only then, the servers get the one capability that lets them pass it.
"""

import functools
import os
import pwd
import subprocess
from pathlib import Path

from .errors import StackError

USER = "rr-stack"
CAP_DAC_READ_SEARCH = 2


def running_as_root() -> bool:
    return os.geteuid() == 0


@functools.cache
def ensure() -> pwd.struct_passwd | None:
    """The servers' user, made if it is missing; None when we are not root: then they run as we do."""
    if not running_as_root():
        return None
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        pass
    made = subprocess.run(
        ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
         "--shell", "/usr/sbin/nologin", USER],
        capture_output=True, text=True,
    )  # fmt: skip
    try:
        return pwd.getpwnam(USER)  # also when another stack was faster
    except KeyError:
        raise StackError(f"cannot make the system user {USER}: {made.stderr.strip()}") from None


def own(path: Path, mode: int) -> None:
    """Gives `path` to the servers' user."""
    user = ensure()
    os.chmod(path, mode)
    if user:
        os.chown(path, user.pw_uid, user.pw_gid)


def folder(path: Path, mode: int = 0o750) -> Path:
    """Makes the folder `path`, the servers' own."""
    path.mkdir(parents=True, exist_ok=True)
    own(path, mode)
    return path


def _open_to_others(path: Path) -> bool:
    """Whether anybody may enter the folder `path` (or the folders above the file `path`)."""
    return all(p.stat().st_mode & 0o001 for p in [path, *path.parents] if p.is_dir())


def _has_capability(number: int) -> bool:
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("CapPrm:"):
                return bool(int(line.split()[1], 16) >> number & 1)
    return False


def wrap(argv: list[str], *paths: Path) -> list[str]:
    """`argv` run as the servers' user, able to reach `paths`."""
    user = ensure()
    if user is None:
        return argv
    prefix = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"]
    closed = [p for p in paths if not _open_to_others(p)]
    if closed:
        if not _has_capability(CAP_DAC_READ_SEARCH):
            raise StackError(
                f"the user {USER} cannot reach {closed[0]}, and the capability that would "
                "let it (CAP_DAC_READ_SEARCH) is not ours to give: choose another place with --dir or "
                "RR_CACHE_DIR, or move the checkout"
            )
        # Java asks with access(2), which counts a capability only under this bit.
        prefix += [
            "--securebits",
            "+no_setuid_fixup",
            "--inh-caps",
            "+dac_read_search",
            "--ambient-caps",
            "+dac_read_search",
        ]
    return [*prefix, *argv]
