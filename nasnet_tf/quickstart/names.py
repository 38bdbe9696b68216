"""The names of the stages, in order."""

# Each is a module here with TITLE, NEEDS (the stages whose results it reads)
# and stage(context), whose docstring says what it returns.
STAGES = (
    "digits",
    "training",
    "evaluation",
    "saving",
    "exporting",
    "detection",
    "searching",
    "page",
    "cells",
)
