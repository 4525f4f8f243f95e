"""What a worker is made of: the loop of each queue, the handlers, leases, places and threads, and the way to the server."""
