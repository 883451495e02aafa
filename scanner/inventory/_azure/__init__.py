"""How we talk to Azure: calls come in, complete answers come out, or the reason why not. Read-only by an allow-list."""
