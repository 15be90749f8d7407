# The oracle must round after every operation, so no fused multiply-add.
target_compile_options(${plugin} PRIVATE -ffp-contract=off)
