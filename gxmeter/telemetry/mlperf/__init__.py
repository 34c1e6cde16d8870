"""What MLPerf Training power logs hold, and what lies beside them in a submission."""
