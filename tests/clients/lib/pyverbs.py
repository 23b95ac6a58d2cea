# SPDX-License-Identifier: GPL-2.0
"""pyverbs.py < LOG: each test of a verbose unittest run as "NAME|RESULT". What a
test prints may stand between its name and its result; one that has none crashed."""
import re
import sys

NAME = re.compile(r"^(test_\w+) \(tests\.", re.M)
RESULT = re.compile(r"(?:^|\.\.\. |\n)(ok|FAIL|ERROR|skipped .*)$", re.M)

log = sys.stdin.read().split("\n======", 1)[0]
starts = list(NAME.finditer(log))
for start, following in zip(starts, starts[1:] + [None]):
    body = log[start.end():following.start() if following else len(log)]
    result = RESULT.search(body)
    print("%s|%s" % (start[1], result[1] if result else "crashed"))
