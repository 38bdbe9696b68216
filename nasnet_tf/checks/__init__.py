"""What is checked, and how it is said: arguments, packages, errors."""
