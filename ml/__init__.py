"""Models, masks and maps; knows nothing of the web, jobs or the database."""

import os

# Before torch loads OpenMP: threads that wait for each other shall spin for some microseconds
# and then sleep. By default they spin far longer, and where other programs want the cores (a
# browser, a training run) each of a forward pass's hundreds of operations may cost a time slice.
os.environ.setdefault("GOMP_SPINCOUNT", "5000")
