"""Programs that start and run an instance."""
