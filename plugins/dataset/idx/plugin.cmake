find_package(ZLIB REQUIRED)
target_link_libraries(${plugin} PRIVATE ZLIB::ZLIB)
