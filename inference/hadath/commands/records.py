"""``hadath records``: a table of events, one row each."""
