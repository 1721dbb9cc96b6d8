"""The child's end of a servant: ``python -m bench.processes``."""

from bench.processes.servant import serve

serve()
