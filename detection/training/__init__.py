"""What a job trains with: tasks, parser, checks, batch norm, its folder."""
