"""What the simulated service knows and does, in text and numbers only: no C data comes in here."""
