"""The child's end of a servant: ``python -m bench.processes ADDRESS``."""

import sys

from bench.processes.servant import serve

serve(sys.argv[1])
