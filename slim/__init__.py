"""`make slim`: build what a change reaches beside what was there before, and show how the data differ."""
