"""One module per command group; each has ``register(app)`` and is picked up by its file name."""
