"""Building files in, a data set of voxel grids on disk out."""
