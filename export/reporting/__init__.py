"""What an export tells: its result, and the card."""
