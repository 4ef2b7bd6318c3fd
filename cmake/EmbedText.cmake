# itm_embed_text(NAME NAMESPACE ns HEADER header.hpp FILES file...): text files of this folder as string literals inside the
# library. NAME names the target between the command and the library, which belong to different folders.
function(itm_embed_text name)
  cmake_parse_arguments(PARSE_ARGV 1 embed "" "NAMESPACE;HEADER" "FILES")
  list(TRANSFORM embed_FILES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  set(embedded ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  add_custom_command(
    OUTPUT ${embedded}
    COMMAND ${CMAKE_COMMAND} -D OUTPUT=${embedded} -D HEADER=${embed_HEADER} -D NAMESPACE=${embed_NAMESPACE} -D
            "FILES=${embed_FILES}" -P ${PROJECT_SOURCE_DIR}/cmake/Embed.cmake
    DEPENDS ${embed_FILES} ${PROJECT_SOURCE_DIR}/cmake/Embed.cmake
    COMMENT "Embedding the text files of ${name}"
    VERBATIM)
  add_library(${name} OBJECT ${embedded})
  itm_compile_options(${name})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_sources(itm PRIVATE $<TARGET_OBJECTS:${name}>)
endfunction()
