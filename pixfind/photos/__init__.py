"""Reading photos: which files are pictures, their pixels upright, what their EXIF says."""
