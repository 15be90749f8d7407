# The oracle must round after every operation, so no fused multiply-add. Its loops are most of the time
# of the tests that compare with it: -O3 takes choices of dtype out of them, and changes no bit.
target_compile_options(${plugin} PRIVATE -ffp-contract=off -O3)
