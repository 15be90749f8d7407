find_package(Threads REQUIRED)
target_compile_definitions(${plugin} PRIVATE _GNU_SOURCE)
target_link_libraries(${plugin} PRIVATE Threads::Threads)
