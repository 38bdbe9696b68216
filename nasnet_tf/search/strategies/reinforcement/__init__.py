"""The paper's strategy: a controller trained by PPO."""
