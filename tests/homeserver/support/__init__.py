"""What the scenarios stand on: a homeserver, accounts, the bot as a process, and a proxy that breaks things."""
