"""Everything a reader gets: the terminal's screens, and the reports of a checkup and of a refund case."""
