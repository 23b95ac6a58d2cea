#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""odp_table.py JSON < LINES: the figures of "run bench odp" as one JSON file, and as a
table for each kernel and mode, hroce and rxe side by side."""
import json
import sys

NICS = ("hroce", "rxe")


def size(n):
    """A number of bytes for a person."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n < 1024:
            break
        n //= 1024
    else:
        unit = "TiB"
    return "%d %s" % (n, unit)


def show(figure):
    if figure is None:
        return "-"
    if figure["unit"] == "refused":
        return "refused"
    return "%.2f %s" % (figure["value"], figure["unit"])


def main():
    figures = [json.loads(line) for line in sys.stdin]
    with open(sys.argv[1], "w", encoding="ascii") as out:
        json.dump(figures, out, indent=1)
    tables = {}
    for f in figures:
        rows = tables.setdefault((f["kernel"], f["mode"]), {})
        # a refusal stands in the row of the time that it might have taken
        unit = "us" if f["unit"] == "refused" else f["unit"]
        rows.setdefault((f["what"], f["how"], f["bytes"], unit), {})[f["nic"]] = f
    for (kernel, mode), rows in tables.items():
        print("\nLinux %s, %s" % (kernel, {"icount": "counting instructions, 1 CPU",
                                           "real": "real time"}[mode]))
        print("%-34s %-9s %9s" % ("", "", "") + "".join("%20s" % n for n in NICS))
        for (what, how, length, _), values in rows.items():
            print("%-34s %-9s %9s" % (what, how, size(length)) +
                  "".join("%20s" % show(values.get(n)) for n in NICS))


main()
