"""The embedded Redis: its program, its data folder, its life as a child process."""
