"""Statistics over records: intervals, paired tests, letters, floors, choices."""
