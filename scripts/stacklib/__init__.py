"""The local stack: every server of the room-reservation service, real, on one machine.

scripts/stack is its command line; the tests use it as a library:

    stack = Stack(dir=".test", ports="auto", preset="asan")
    stack.up()
    stack.kill("projector")          # SIGKILL
    stack.start(["projector"])       # returns when it is ready again
    stack.stop()
"""

from .errors import StackError
from .stack import Stack

__all__ = ["Stack", "StackError"]
