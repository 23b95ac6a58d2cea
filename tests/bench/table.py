#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""table.py JSON < LINES: the bench's measurements as one JSON file, and as a
table for each kernel, mode and MTU. "x rxe" is how many times as good as stock rxe
from pinned memory: bandwidth by bandwidth, latency the other way round."""
import json
import sys

COLUMNS = [("rxe", "pinned"), ("rxe", "odp"), ("hroce", "pinned"), ("hroce", "odp")]


def better(test, ours, base):
    """How many times as good, as text."""
    if not ours or not base:
        return "-"
    return "%.2f" % (base / ours if test.endswith("_lat") else ours / base)


def unit(test, size):
    if test.endswith("_lat"):
        return "us"
    return "Kmsg/s" if size <= 64 else "MiB/s"


def show(values, key):
    if key not in values:
        return "-"
    return "FAILED" if values[key] is None else "%.1f" % values[key]


def table(title, rows):
    print("\n" + title)
    print("%-24s %-7s" % ("", "") + "".join("%14s" % " ".join(c) for c in COLUMNS) +
          "%11s%11s%14s" % ("x rxe", "odp x rxe", "odp / pinned"))
    for (test, size), values in rows.items():
        if test == "stream":
            print("%-24s %-7s%14s" % ("TCP (iperf3)", "MiB/s", show(values, ("tcp", "-"))))
            continue
        base = values.get(("rxe", "pinned"))
        pinned, odp = (values.get(("hroce", m)) for m in ("pinned", "odp"))
        print("%-24s %-7s" % ("%s %d" % (test, size), unit(test, size)) +
              "".join("%14s" % show(values, c) for c in COLUMNS) +
              "%11s%11s%14s" % (better(test, pinned, base), better(test, odp, base),
                                better(test, odp, pinned)))


def main():
    measurements = [json.loads(line) for line in sys.stdin]
    with open(sys.argv[1], "w", encoding="ascii") as out:
        json.dump(measurements, out, indent=1)
    tables = {}
    for m in measurements:
        rows = tables.setdefault((m["kernel"], m["mode"], m["mtu"]), {})
        rows.setdefault((m["test"], m["size"]), {})[m["nic"], m["memory"]] = m["value"]
    names = {"icount": "counting instructions, 1 CPU", "real": "real time"}
    for (kernel, mode, mtu), rows in tables.items():
        table("Linux %s, MTU %d, %s" % (kernel, mtu, names[mode]), rows)


main()
