target_link_options(${plugin} PRIVATE LINKER:-z,undefs)
