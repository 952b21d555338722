# protobuf's lite run time and the classes that protoc makes of the schemas in brisk/formats. They
# are compiled apart: generated code answers to none of our warnings.
find_package(Protobuf REQUIRED)
set(onnx_schema ${CMAKE_SOURCE_DIR}/brisk/formats/onnx/schema/onnx.proto)
set(onnx_generated ${CMAKE_BINARY_DIR}/generated/onnx)
file(MAKE_DIRECTORY ${onnx_generated})
add_custom_command(
  OUTPUT ${onnx_generated}/onnx.pb.cc ${onnx_generated}/onnx.pb.h
  COMMAND protobuf::protoc --cpp_out=${onnx_generated} -I${CMAKE_SOURCE_DIR}/brisk/formats/onnx/schema ${onnx_schema}
  DEPENDS ${onnx_schema} VERBATIM)
add_library(brisk_onnx_schema OBJECT ${onnx_generated}/onnx.pb.cc)
target_include_directories(brisk_onnx_schema SYSTEM PUBLIC ${onnx_generated})
target_link_libraries(brisk_onnx_schema PUBLIC protobuf::libprotobuf-lite)
target_compile_options(brisk_onnx_schema PRIVATE -w -O1)
target_sources(brisk PRIVATE $<TARGET_OBJECTS:brisk_onnx_schema>)
target_include_directories(brisk SYSTEM PRIVATE ${onnx_generated})
target_link_libraries(brisk PRIVATE protobuf::libprotobuf-lite)
file(GLOB onnx_schema_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/brisk/formats/onnx/schema/*.cpp")
set_source_files_properties(${onnx_schema_sources} PROPERTIES OBJECT_DEPENDS ${onnx_generated}/onnx.pb.h)
