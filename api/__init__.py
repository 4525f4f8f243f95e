"""HTTP over the engine. `app` composes, `rest` is the face; both parse, call one command or query, and answer."""
