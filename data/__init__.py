"""What ships with pixfind as data. Installed as ``pixfind_data``."""
