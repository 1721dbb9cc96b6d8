"""Questions behind the ranking, over records or with trainings of their own."""
