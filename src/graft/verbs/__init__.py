"""What a person asks for: each verb walks the path from step to step as far as its name says."""
