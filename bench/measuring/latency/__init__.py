"""How long one prediction takes: processes, interleaved rounds, percentiles."""
