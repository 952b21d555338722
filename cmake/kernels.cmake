# Sources whose name ends in _avx2 or _avx512 hold the inner loops of brisk's own CPU kernels: each
# is compiled for its instruction set, chosen at run time (brisk/backends/cpu/kernels/kernel_isa.h).
# No precompiled header: its inline functions must not be compiled with these flags. The loops are
# optimised in every configuration, since unoptimised ones would make tests take minutes.
file(GLOB_RECURSE avx2_sources CONFIGURE_DEPENDS
  "${CMAKE_SOURCE_DIR}/brisk/backends/cpu/kernels/*_avx2.cpp")
file(GLOB_RECURSE avx512_sources CONFIGURE_DEPENDS
  "${CMAKE_SOURCE_DIR}/brisk/backends/cpu/kernels/*_avx512.cpp")
set_source_files_properties(${avx2_sources} ${avx512_sources} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
set(loop_options "-O3;-ffp-contract=fast")
if(BRISK_FUZZ)
  # No fuzz target comes here, and instrumented, one of them compiles for 20 minutes.
  set(loop_options "-O1;-fno-sanitize=all")
endif()
set_source_files_properties(${avx2_sources} PROPERTIES
  COMPILE_OPTIONS "${loop_options};-mavx2;-mfma;-mf16c")
set_source_files_properties(${avx512_sources} PROPERTIES
  COMPILE_OPTIONS "${loop_options};-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mfma;-mprefer-vector-width=512")
# The reference kernels are what sanitized tests spend their time in.
if(BRISK_SANITIZE)
  file(GLOB reference_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/brisk/backends/reference/*.cpp")
  set_source_files_properties(${reference_sources} "${CMAKE_SOURCE_DIR}/brisk/ir/evaluate_scalar.cpp" PROPERTIES
    COMPILE_OPTIONS "-O2")
endif()
