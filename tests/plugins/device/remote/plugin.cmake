# The CPU device computes, compiled in; only who may touch the memory differs.
set(cpu ${PROJECT_SOURCE_DIR}/plugins/device/cpu)
file(GLOB cpu_sources CONFIGURE_DEPENDS ${cpu}/*.c)
list(REMOVE_ITEM cpu_sources ${cpu}/plugin.c)
file(GLOB common_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/plugins/device/common/*.c)
target_sources(${plugin} PRIVATE ${cpu_sources} ${common_sources})
target_include_directories(${plugin} PRIVATE ${cpu} ${PROJECT_SOURCE_DIR}/plugins/device)
include(${cpu}/kernels.cmake)
odeon_cpu_kernels(${plugin})
