"""What a search chooses from: cells, decisions, tables."""
