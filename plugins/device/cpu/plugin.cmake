include(${folder}/kernels.cmake)
odeon_cpu_kernels(${plugin})
include(${folder}/tiles/tiles.cmake)
odeon_cpu_tiles(${plugin})
