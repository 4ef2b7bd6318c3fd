# Text files as string literals: a C++ source that defines one std::string_view for each of them.
#   cmake -D OUTPUT=FILE -D HEADER=assets.hpp -D NAMESPACE=itm::html -D "FILES=page.html;page.css" -P Embed.cmake
# page.css becomes itm::html::page_css. One literal a file: compilers need not take more than 65,536 characters.
set(source "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n")
foreach(file IN LISTS FILES)
  file(READ "${file}" text)
  string(LENGTH "${text}" length)
  string(FIND "${text}" ")embedded\"" closes)
  if(length GREATER 65000 OR NOT closes EQUAL -1)
    message(FATAL_ERROR "${file}: ${length} characters, or holds )embedded\"; split the file")
  endif()
  cmake_path(GET file FILENAME name)
  string(REPLACE "." "_" name "${name}")
  string(APPEND source "\nconst std::string_view ${name} = R\"embedded(${text})embedded\";\n")
endforeach()
file(WRITE "${OUTPUT}" "${source}\n}  // namespace ${NAMESPACE}\n")
