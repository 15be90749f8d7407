# odeon_cpu_tiles(TARGET) adds products on matrix tiles, compiled with the tile instructions where the
# compiler has them and with their emulation elsewhere; whether they may be used is asked at run time.
include(CheckCCompilerFlag)
check_c_compiler_flag(-mamx-bf16 ODEON_HAS_AMX)

if(NOT TARGET odeon_cpu_tiles)
  add_library(odeon_cpu_tiles OBJECT ${CMAKE_CURRENT_LIST_DIR}/pack.c
                                     ${CMAKE_CURRENT_LIST_DIR}/multiply.c
                                     ${CMAKE_CURRENT_LIST_DIR}/usable.c)
  target_compile_definitions(odeon_cpu_tiles PRIVATE _GNU_SOURCE) # syscall
  target_compile_options(odeon_cpu_tiles PRIVATE -O3 -ffp-contract=off)
  if(ODEON_HAS_AMX AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/pack.c ${CMAKE_CURRENT_LIST_DIR}/multiply.c
      PROPERTIES COMPILE_OPTIONS "-mavx2;-mavx512f;-mavx512bw;-mavx512vl;-mamx-tile;-mamx-bf16")
    target_compile_definitions(odeon_cpu_tiles PRIVATE ODEON_CPU_TILES)
  endif()
endif()

function(odeon_cpu_tiles target)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:odeon_cpu_tiles>)
endfunction()
