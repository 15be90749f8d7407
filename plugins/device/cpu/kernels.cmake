# odeon_cpu_kernels(TARGET) adds the kernels, compiled once per instruction set; the device chooses
# among them when it is created. Never -ffast-math, which may drop NaN.

include(${CMAKE_CURRENT_LIST_DIR}/dense.cmake)

function(odeon_cpu_level level)
  if(NOT TARGET odeon_cpu_kernels_${level})
    add_library(odeon_cpu_kernels_${level} OBJECT
      ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/kernels/f32.c
      ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/kernels/f64.c)
    target_compile_definitions(odeon_cpu_kernels_${level} PRIVATE
      CPU_KERNELS_F32=cpu_kernels_f32_${level} CPU_KERNELS_F64=cpu_kernels_f64_${level}
      CPU_GEMM_F32=cpu_gemm_f32_${level} CPU_GEMM_F64=cpu_gemm_f64_${level}
      CPU_DIRECT_F32=cpu_direct_f32_${level} CPU_DIRECT_F64=cpu_direct_f64_${level})
    target_compile_options(odeon_cpu_kernels_${level} PRIVATE -O3 -fopenmp-simd -fno-math-errno
      -fno-trapping-math -ffp-contract=off ${ARGN})
    if(ODEON_SANITIZE AND CMAKE_C_COMPILER_ID MATCHES "Clang")
      # Loops with sanitizer checks are not vectorized; clang would warn where the source requests it.
      target_compile_options(odeon_cpu_kernels_${level} PRIVATE -Wno-pass-failed)
    endif()
  endif()
endfunction()

# Checks make the compiler slow on kernels that are instantiated for many shapes. Those of 64 bytes
# go without: tests have them checked as they are compiled for shorter registers (`wide`).
function(odeon_cpu_sanitize object)
  if(ODEON_SANITIZE)
    target_compile_options(${object} PRIVATE -O1)
    if(object MATCHES "avx512")
      target_compile_options(${object} PRIVATE -fno-sanitize=all)
    endif()
  endif()
endfunction()

# Direct convolutions, written with vectors of so many bytes for so many registers. They and the products
# (dense.cmake) contract multiplications and additions.
function(odeon_cpu_direct level bytes registers)
  if(NOT TARGET odeon_cpu_direct_${level})
    add_library(odeon_cpu_direct_${level} OBJECT
      ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/direct/f32.c
      ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/direct/f64.c)
    target_compile_definitions(odeon_cpu_direct_${level} PRIVATE
      VECTOR_BYTES=${bytes} DIRECT_REGISTERS=${registers}
      CPU_DIRECT_F32=cpu_direct_f32_${level} CPU_DIRECT_F64=cpu_direct_f64_${level})
    target_compile_options(odeon_cpu_direct_${level} PRIVATE -O3 -fno-math-errno
      -fno-trapping-math -ffp-contract=fast -Wno-psabi ${ARGN})
    target_link_libraries(odeon_cpu_direct_${level} PRIVATE odeon::headers)
    odeon_cpu_sanitize(odeon_cpu_direct_${level})
  endif()
endfunction()

function(odeon_cpu_kernels target)
  set(levels baseline)
  odeon_cpu_level(baseline)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    odeon_cpu_direct(baseline 16 32)
  else()
    odeon_cpu_direct(baseline 16 16)
  endif()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    odeon_cpu_level(avx2 -mavx2 -mfma)
    odeon_cpu_direct(avx2 32 16 -mavx2 -mfma)
    odeon_cpu_direct(avx512 64 32 -mavx2 -mfma -mavx512f -mavx512dq -mavx512vl -mavx512bw
                     -mprefer-vector-width=512)
    odeon_cpu_level(avx512 -mavx2 -mfma -mavx512f -mavx512dq -mavx512vl -mavx512bw
                    -mprefer-vector-width=512)
    list(APPEND levels avx2 avx512)
  endif()
  foreach(level IN LISTS levels)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:odeon_cpu_kernels_${level}>
                   $<TARGET_OBJECTS:odeon_cpu_direct_${level}>)
  endforeach()
  odeon_cpu_dense(${target})
  target_link_libraries(${target} PRIVATE ${CMAKE_DL_LIBS})
endfunction()
