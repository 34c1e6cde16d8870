"""Reading text as it was received: compressed, in any usual encoding, with local times and local decimal marks."""
