"""What a search writes so that it outlives a crash."""
