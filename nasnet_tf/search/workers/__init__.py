"""The processes of a search: who trains, who watches, who died."""
