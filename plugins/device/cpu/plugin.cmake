include(${folder}/kernels.cmake)
odeon_cpu_kernels(${plugin})
