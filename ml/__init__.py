"""Models, masks and maps; independent of the web, jobs and the database."""

import os

# Must be set before torch loads OpenMP. Threads that wait for each other then spin for a few
# microseconds before they sleep. By default they spin far longer, and if other programs need the
# cores (a browser, a training run), each operation of a forward pass may cost a time slice.
os.environ.setdefault("GOMP_SPINCOUNT", "5000")
