"""Architecture search: spaces, strategies, children and the job around them.

A space is a list of categorical decisions, a strategy proposes decisions and
learns from their rewards (the paper, section 2 and App. A.2).
"""
