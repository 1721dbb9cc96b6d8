"""Records -> leaderboard, page and plots."""
