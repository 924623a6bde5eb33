"""Pages that the program shows in the user's own browser, from a small server that only this machine can reach."""
