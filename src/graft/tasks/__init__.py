"""What is predicted, one file for each: classes, several labels, numbers, transcripts."""
