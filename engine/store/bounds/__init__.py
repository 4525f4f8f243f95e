"""What keeps executions small: large documents stored once, histories whose front is trimmed, copies elsewhere."""
