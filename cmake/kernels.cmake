# Sources whose name ends in _avx2, _avx512, _avx512_vnni or _avx512_bf16 hold the inner loops of brisk's own CPU
# kernels: each is compiled for its instruction set, chosen at run time (brisk/backends/cpu/kernels/kernel_isa.h).
# No precompiled header: its inline functions must not be compiled with these flags. The loops are
# optimised in every configuration, since unoptimised ones would make tests take minutes.
file(GLOB_RECURSE avx2_sources CONFIGURE_DEPENDS
  "${CMAKE_SOURCE_DIR}/brisk/backends/cpu/kernels/*_avx2.cpp")
file(GLOB_RECURSE avx512_sources CONFIGURE_DEPENDS
  "${CMAKE_SOURCE_DIR}/brisk/backends/cpu/kernels/*_avx512.cpp")
file(GLOB_RECURSE vnni_sources CONFIGURE_DEPENDS
  "${CMAKE_SOURCE_DIR}/brisk/backends/cpu/kernels/*_avx512_vnni.cpp")
file(GLOB_RECURSE bf16_sources CONFIGURE_DEPENDS
  "${CMAKE_SOURCE_DIR}/brisk/backends/cpu/kernels/*_avx512_bf16.cpp")
set_source_files_properties(${avx2_sources} ${avx512_sources} ${vnni_sources} ${bf16_sources} PROPERTIES
  SKIP_PRECOMPILE_HEADERS ON)
set(loop_options "-O3;-ffp-contract=fast")
if(BRISK_FUZZ)
  # No fuzz target comes here, and instrumented, one of them compiles for 20 minutes.
  set(loop_options "-O1;-fno-sanitize=all")
endif()
set_source_files_properties(${avx2_sources} PROPERTIES
  COMPILE_OPTIONS "${loop_options};-mavx2;-mfma;-mf16c")
set(avx512_options "${loop_options};-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mfma;-mprefer-vector-width=512")
set_source_files_properties(${avx512_sources} PROPERTIES COMPILE_OPTIONS "${avx512_options}")
# GCC 12 takes its own intrinsics' undefined operands, which a full mask hides, for reads of them.
set(intrinsics_options "${avx512_options}")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND intrinsics_options -Wno-uninitialized -Wno-maybe-uninitialized)
endif()
set_source_files_properties(${vnni_sources} PROPERTIES COMPILE_OPTIONS "${intrinsics_options};-mavx512vnni")
set_source_files_properties(${bf16_sources} PROPERTIES COMPILE_OPTIONS "${intrinsics_options};-mavx512bf16")
# The reference kernels are what sanitized tests spend their time in.
if(BRISK_SANITIZE)
  file(GLOB reference_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/brisk/backends/reference/*.cpp")
  set_source_files_properties(${reference_sources} "${CMAKE_SOURCE_DIR}/brisk/ir/evaluate_scalar.cpp" PROPERTIES
    COMPILE_OPTIONS "-O2")
endif()
