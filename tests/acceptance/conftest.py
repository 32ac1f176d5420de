"""What the acceptance tests share."""

from pathlib import Path

# libfaketime moves the clock of whole processes. .ci/run installs it; where it is missing, the tests of
# test_time.py are not collected, rather than reported as skipped by everybody who lacks it.
LIBFAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
collect_ignore = [] if LIBFAKETIME else ["test_time.py"]
