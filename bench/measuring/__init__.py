"""What a model costs and how far it misses: accuracy, latency, size, environment."""
