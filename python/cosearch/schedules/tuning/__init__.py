"""MetaSchedule's search, one task at a time, and what decides on which."""
