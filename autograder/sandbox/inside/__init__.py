"""The half of the sandbox that is mounted beside a student.

This folder is mounted as `/course/sandbox_inside` and run as `python -m sandbox_inside`. It imports
nothing of `autograder`, holds no expected value, no tolerance and no seed, and nothing that it says
is believed.
"""
