"""The command lines of the plays: a stack of their own, all plays or one, once or for some minutes."""

import argparse
import json
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from stacklib.errors import StackError
from stacklib.stack import REPO, Stack


def _arguments(name: str, description: str, acts, options, minutes: float) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"tests/chaos/{name}", description=description)
    parser.add_argument("--only", choices=[act.__name__ for act in acts], help="this play alone")
    parser.add_argument(
        "--minutes",
        type=float,
        default=minutes,
        help=f"play on, in turns, until so long has passed; each is played once at least (default: {minutes:g})",
    )
    options(parser)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats the same draws")
    parser.add_argument("--preset", default="release", help="which build of the programs (default: release)")
    parser.add_argument(
        "--dir", type=Path, default=REPO / f".test/{name}", help=f"the stack's folder (default: .test/{name})"
    )
    return parser.parse_args()


def _turns(acts: Sequence[Callable], minutes: float) -> Iterator[Callable]:
    end = time.monotonic() + 60 * minutes
    yield from acts
    while True:
        for act in acts:
            if time.monotonic() >= end:
                return
            yield act


def _play(args, stack: Stack, acts, begin, perform) -> int:
    """How many failed."""
    stack.up()
    print(f"seed {args.seed}", flush=True)
    play = begin(stack, args)
    failed = 0
    for act in _turns([act for act in acts if args.only in (None, act.__name__)], args.minutes):
        began = time.monotonic()
        try:
            perform(play, act)
            outcome = "ok"
        except (AssertionError, StackError) as error:
            failed += 1
            outcome = f"FAILED: {error}"
        print(f"{act.__name__:26} {time.monotonic() - began:5.0f} s  {outcome}", flush=True)
    return failed


def main(
    name: str,
    description: str,
    acts: Sequence[Callable],
    *,
    begin: Callable,
    perform: Callable,
    options: Callable = lambda parser: None,
    minutes: float = 0,
) -> int:
    """`begin(stack, args)` makes what `perform(play, act)` is given for each play. Returns the exit status."""
    # Whoever ends us ends what we have started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    args = _arguments(name, description, acts, options, minutes)
    stack = Stack(args.dir, ports="auto", preset=args.preset)
    was_running = stack.projector.alive()
    try:
        failed = _play(args, stack, acts, begin, perform)
    except StackError as error:
        sys.exit(f"tests/chaos/{name}: {error}")
    finally:
        if not was_running:
            stack.stop()
    print(json.dumps({"failed": failed, "seed": args.seed}))
    return 1 if failed else 0
