"""What a sample is: a picture, a text, a recording, or a picture with a text. The table of them is `table.py`."""
