# The operators and kernels are those of the device `cuda`, compiled for the host.
file(GLOB operators CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cuda/ops/*.c)
file(GLOB common_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/plugins/device/common/*.c)
target_sources(${plugin} PRIVATE ${operators} ${common_sources})
target_include_directories(${plugin} PRIVATE ${PROJECT_SOURCE_DIR}/cuda ${PROJECT_SOURCE_DIR}/plugins/device)
