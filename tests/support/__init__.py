"""Small worlds that several tests share."""
