"""Backbone x Dataset -> Model: heads and, later, more of the network, adapted to the user's classes."""
