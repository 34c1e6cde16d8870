"""What a meter says to people while and after it measures."""
