"""Two or more runs side by side: what differs between them, and which of their numbers got worse beyond noise."""
