"""The widgets: they hold choices, ask experiments, and show results. Never torch."""
