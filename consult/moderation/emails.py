"""Mails of the desk: to those who reported, objected, or whose turn it is."""
