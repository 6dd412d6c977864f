"""What the chapters on one family of nets (MLPs, CNNs) have in common: one fit per net and seed."""
