# The oracle rounds where the source says so: no fused multiply-add.
target_compile_options(${plugin} PRIVATE -ffp-contract=off)
