"""Messages to the world outside: signed posts to a webhook, and e-mail."""
