"""The exercises, one package for each assignment and one file for each exercise."""
