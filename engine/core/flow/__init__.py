"""What a frame does about what happens to it: arrive, rest, divide, fail, end."""
