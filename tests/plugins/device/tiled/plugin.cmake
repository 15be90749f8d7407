# The device `cpu`, with its tile instructions emulated, as no flag for them is given.
set(cpu ${PROJECT_SOURCE_DIR}/plugins/device/cpu)
file(GLOB sources CONFIGURE_DEPENDS ${cpu}/*.c)
list(FILTER sources EXCLUDE REGEX "/plugin\\.c$")
file(GLOB common_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/plugins/device/common/*.c)
include(${cpu}/kernels.cmake)
odeon_cpu_kernels(${plugin})
target_sources(${plugin} PRIVATE ${sources} ${common_sources} ${cpu}/tiles/pack.c
               ${cpu}/tiles/multiply.c)
target_include_directories(${plugin} PRIVATE ${cpu} ${PROJECT_SOURCE_DIR}/plugins/device)
target_compile_options(${plugin} PRIVATE -O3)
