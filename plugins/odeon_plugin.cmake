# odeon_add_plugin(KIND ID FOLDER sources...) builds the shared object FOLDER/KIND/ID.so as a plugin
# has to be: one exported symbol, not linked to the host, all symbols resolved at link time. FOLDER is
# the argument for `odeon --plugin-path`. The target is odeon_KIND_ID, or odeon_KIND_ID_for_DEVICE if
# ID is ID@DEVICE, a layer's kernel for a device. Sources in .cu need CUDA as a language of the project
# and find_package(CUDAToolkit); CUDA's runtime is linked statically.
function(odeon_add_plugin kind id folder)
  string(REPLACE "@" "_for_" target odeon_${kind}_${id})
  add_library(${target} MODULE ${ARGN})
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME ${id} C_VISIBILITY_PRESET hidden
                        LIBRARY_OUTPUT_DIRECTORY ${folder}/${kind})
  target_link_options(${target} PRIVATE
    "LINKER:--version-script=${ODEON_PLUGIN_MAP}" LINKER:--as-needed LINKER:--build-id)
  if(NOT ODEON_SANITIZE) # the program provides the sanitizers' symbols
    target_link_options(${target} PRIVATE LINKER:-z,defs)
  endif()
  target_link_libraries(${target} PRIVATE odeon::headers m)
  if("${ARGN}" MATCHES "\\.cu(;|$)")
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C SKIP_BUILD_RPATH ON
                          CUDA_RUNTIME_LIBRARY Static CUDA_VISIBILITY_PRESET hidden)
    target_link_libraries(${target} PRIVATE CUDA::cudart_static)
  endif()
  if(NOT kind STREQUAL "device") # coverage counters would slow down the loops of a device
    target_compile_options(${target} PRIVATE
                           "$<$<COMPILE_LANGUAGE:C>:${ODEON_COVERAGE_OPTIONS}>")
  endif()
endfunction()

get_filename_component(ODEON_PLUGIN_MAP ${CMAKE_CURRENT_LIST_DIR}/plugin.map ABSOLUTE)
