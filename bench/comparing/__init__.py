"""Statistics over records: intervals, paired tests, tie groups."""
