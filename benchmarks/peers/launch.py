"""`python -I -S launch.py SPENT.json COMMAND…`: run a command and write what it took.

A process inherits its parent's size as the floor of its own peak, so the parent here is an interpreter that has
imported next to nothing, not the benchmark.
"""

import json
import os
import subprocess
import sys
import time

began = time.monotonic()
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
spent = {
    "wall_s": time.monotonic() - began,
    "cpu_s": usage.ru_utime + usage.ru_stime,
    "peak_mib": usage.ru_maxrss / 1024,
    "code": os.waitstatus_to_exitcode(status),
}
with open(sys.argv[1], "w") as file:
    json.dump(spent, file)
