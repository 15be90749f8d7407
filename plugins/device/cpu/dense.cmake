# odeon_cpu_dense(TARGET) adds the products (dense/), compiled once per instruction set and length of
# vectors. Multiply-adds may be fused here, as in any library of products, and in direct/.

# FLAGS, then NARROWER SUFFIX: where products with fewer columns than a vector go.
function(odeon_cpu_dense_level level)
  cmake_parse_arguments(level "" "NARROWER" "FLAGS" ${ARGN})
  set(object odeon_cpu_dense_${level})
  if(NOT TARGET ${object})
    add_library(${object} OBJECT
      ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/dense/f32.c
      ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/dense/f64.c)
    target_compile_definitions(${object} PRIVATE
      CPU_GEMM_F32=cpu_gemm_f32_${level} CPU_GEMM_F64=cpu_gemm_f64_${level})
    if(level_NARROWER)
      target_compile_definitions(${object} PRIVATE
        CPU_GEMM_F32_NARROWER=cpu_gemm_f32_${level_NARROWER}
        CPU_GEMM_F64_NARROWER=cpu_gemm_f64_${level_NARROWER})
    endif()
    target_compile_options(${object} PRIVATE -O3 -fno-math-errno -fno-trapping-math
      -ffp-contract=fast ${level_FLAGS})
    odeon_cpu_sanitize(${object})
  endif()
endfunction()

function(odeon_cpu_dense target)
  set(levels baseline)
  odeon_cpu_dense_level(baseline)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    set(avx2 -mavx2 -mfma)
    odeon_cpu_dense_level(avx2_half FLAGS ${avx2} -DVECTOR_BYTES=16)
    odeon_cpu_dense_level(avx2 FLAGS ${avx2} NARROWER avx2_half)
    odeon_cpu_dense_level(avx512 NARROWER avx2 FLAGS ${avx2} -mavx512f -mavx512dq -mavx512vl
      -mavx512bw -mprefer-vector-width=512)
    list(APPEND levels avx2_half avx2 avx512)
  endif()
  foreach(level IN LISTS levels)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:odeon_cpu_dense_${level}>)
  endforeach()
endfunction()
