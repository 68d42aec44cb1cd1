"""What the steps work on: labelled samples, how they are read, and what is predicted of them."""
