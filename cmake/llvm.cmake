# LLVM enters in a shared library of its own, loaded when a fused loop has to be compiled: a warm
# process (compiled code in the disk cache) or one without LLVM never pays for it. It shares no
# compiled code with brisk (plain structs cross the border), so it does not link it.
find_package(LLVM 19.1 REQUIRED CONFIG)
file(GLOB llvm_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/brisk/backends/cpu/llvm/*.cpp")
add_library(brisk_llvm SHARED ${llvm_sources})
target_include_directories(brisk_llvm PRIVATE ${CMAKE_SOURCE_DIR})
target_include_directories(brisk_llvm SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS})
target_link_libraries(brisk_llvm PRIVATE LLVM)
target_link_directories(brisk_llvm PRIVATE ${LLVM_LIBRARY_DIRS})
target_compile_options(brisk_llvm PRIVATE -fno-rtti -fvisibility=hidden -Wall -Wextra)
if(BRISK_WERROR)
  target_compile_options(brisk_llvm PRIVATE -Werror)
endif()
set_target_properties(brisk_llvm PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
include(GNUInstallDirs)
# Found at run time beside the program (brisk/backends/cpu/loop/llvm_library.cpp says where).
install(TARGETS brisk_llvm LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/brisk)
target_compile_definitions(brisk PRIVATE BRISK_HAVE_LLVM=1)
