"""The conductor: takes queued operations, hands them to the durable engine, watches health. Meets the API only in the store."""
