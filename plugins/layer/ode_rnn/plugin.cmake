file(GLOB unit CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/../common/gru/*.c)
target_sources(${plugin} PRIVATE ${unit})
