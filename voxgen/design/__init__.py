"""Design to a site and a brief: over what the models make, for all families alike."""
