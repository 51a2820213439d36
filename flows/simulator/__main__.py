"""`python -m flows.simulator --now 2024-12-10T12:00:00Z` serves until it is interrupted.

With `--attached` it also ends when its standard input ends, such as when the process that started it was killed.
"""

import argparse
import sys

from flows.simulator.instants import moment, parse
from flows.simulator.server import Simulator


def main() -> None:
    """Serve the simulated providers, and print the address once they answer."""
    parser = argparse.ArgumentParser(prog="python -m flows.simulator", description=__doc__)
    parser.add_argument("--now", required=True, help="the virtual time, ISO-8601; it stands still")
    parser.add_argument("--port", type=int, default=0, help="the port; 0 selects a free one")
    parser.add_argument("--seed", type=int, default=7, help="the seed of the market")
    parser.add_argument("--limits", action="store_true", help="enforce the providers' rate limits")
    parser.add_argument("--attached", action="store_true", help="end when standard input ends")
    options = parser.parse_args()
    now = moment(parse(options.now))
    with Simulator(now, seed=options.seed, port=options.port, limits=options.limits) as simulator:
        try:
            sys.stdout.write(f"simulator ready on {simulator.url} now={now.isoformat()} seed={options.seed}\n")
            sys.stdout.flush()
            if options.attached:
                sys.stdin.read()
            else:
                simulator.wait()
        except KeyboardInterrupt:
            sys.stdout.write("simulator stopped\n")


if __name__ == "__main__":
    main()
