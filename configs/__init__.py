"""Configurations of training jobs, one YAML file each; see README.md."""
