target_link_options(${plugin} PRIVATE -ffast-math)
