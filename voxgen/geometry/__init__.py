"""Ground floor: meshes, voxel grids and the ways between them. Nothing here knows of torch."""
