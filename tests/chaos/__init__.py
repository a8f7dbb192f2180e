"""Tests that set many writers against each other."""
