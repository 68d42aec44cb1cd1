"""The one loop: every strategy trains through it, on whatever device, at whatever precision, resumably."""
