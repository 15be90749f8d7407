# Installs bin/odeon, lib/libodeon, lib/odeon/plugins/KIND/ID.so, the headers, and the CMake and
# pkg-config files with which plugins are built against them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(ODEON_INSTALL_PLUGINS ${CMAKE_INSTALL_LIBDIR}/odeon/plugins)
set(ODEON_INSTALL_CMAKE ${CMAKE_INSTALL_LIBDIR}/cmake/odeon)

if(TARGET odeon_program)
  set_target_properties(odeon_program PROPERTIES
                        INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS odeon odeon_program
          RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
get_property(plugins GLOBAL PROPERTY ODEON_PLUGINS) # TARGET=KIND
foreach(entry IN LISTS plugins)
  string(REPLACE "=" ";" entry ${entry})
  list(GET entry 0 target)
  list(GET entry 1 kind)
  install(TARGETS ${target} LIBRARY DESTINATION ${ODEON_INSTALL_PLUGINS}/${kind})
endforeach()
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

configure_package_config_file(plugins/package/odeon-config.cmake.in ${PROJECT_BINARY_DIR}/odeon-config.cmake
                              INSTALL_DESTINATION ${ODEON_INSTALL_CMAKE}
                              PATH_VARS CMAKE_INSTALL_INCLUDEDIR ODEON_INSTALL_PLUGINS)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/odeon-config-version.cmake
                                 COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/odeon-config.cmake
              ${PROJECT_BINARY_DIR}/odeon-config-version.cmake
              plugins/odeon_plugin.cmake plugins/plugin.map
        DESTINATION ${ODEON_INSTALL_CMAKE})
file(RELATIVE_PATH ODEON_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
# odeon.pc is for plugins, which do not link the host; odeon-host.pc for programs that embed it.
foreach(name odeon odeon-host)
  configure_file(plugins/package/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
