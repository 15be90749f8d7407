target_link_libraries(${plugin} PRIVATE -l:libstdc++.so.6)
