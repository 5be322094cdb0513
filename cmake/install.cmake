# Installs the library, its headers, the programs and the two descriptions that consumers find it by.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/larder")
install(TARGETS larder EXPORT larderTargets)
install(DIRECTORY include/larder DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")
install(EXPORT larderTargets NAMESPACE larder:: DESTINATION "${package_dir}")
configure_package_config_file(cmake/larderConfig.cmake.in "${PROJECT_BINARY_DIR}/larderConfig.cmake"
  INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/larderConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/larderConfig.cmake" "${PROJECT_BINARY_DIR}/larderConfigVersion.cmake"
              cmake/FindxxHash.cmake
        DESTINATION "${package_dir}")

# `pkg-config --libs larder` has to name whatever the installed kind of library leaves to its consumer; nobody passes
# --static for a package that has only a static library.
if(BUILD_SHARED_LIBS)
  set(larder_pc_requires "Requires.private: libxxhash libzstd")
  set(larder_pc_libs "")
else()
  set(larder_pc_requires "Requires: libxxhash libzstd")
  string(REGEX REPLACE "([^;]+)" " -l\\1" larder_pc_libs "${CMAKE_DL_LIBS}")
endif()
# Relative to the file itself, so that an installed tree can be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(larder_pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(larder_pc_prefix "\${pcfiledir}/${up}")
endif()
configure_file(cmake/larder.pc.in "${PROJECT_BINARY_DIR}/larder.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/larder.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(FILES LICENSE README.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(DIRECTORY docs/ DESTINATION "${CMAKE_INSTALL_DOCDIR}/docs")
set(programs)
if(LARDER_BUILD_COMMAND)
  list(APPEND programs larder_command)
endif()
if(LARDER_BUILD_EXAMPLES)
  list(APPEND programs convolve)
endif()
if(programs)
  if(BUILD_SHARED_LIBS)
    file(RELATIVE_PATH lib_from_bin "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
    set_target_properties(${programs} PROPERTIES INSTALL_RPATH "$ORIGIN/${lib_from_bin}")
  endif()
  install(TARGETS ${programs})
endif()
