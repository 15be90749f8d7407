target_compile_definitions(${plugin} PRIVATE _GNU_SOURCE)
