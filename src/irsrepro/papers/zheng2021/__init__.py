"""Zheng, You, Zhang: double-IRS assisted multi-user MIMO (2021)."""
