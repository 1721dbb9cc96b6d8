"""Child processes, and threads that drive them side by side."""
