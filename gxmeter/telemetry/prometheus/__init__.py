"""What a Prometheus server answers: read from files of any size, or fetched from a server that the user names."""
