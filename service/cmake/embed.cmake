# Texts as string constants of a source: every NAME.EXTENSION of a folder is `NAME` in a namespace.
function(gateway_embed folder extension namespace output)
  file(GLOB texts CONFIGURE_DEPENDS ${folder}/*.${extension})
  set(source "#include <string_view>\n\nnamespace ${namespace} {\n")
  foreach(file IN LISTS texts)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    cmake_path(GET file STEM name)
    file(READ ${file} text)
    string(APPEND source
      "extern const std::string_view ${name};\nconst std::string_view ${name} = R\"embedded(${text})embedded\";\n")
  endforeach()
  string(APPEND source "}  // namespace ${namespace}\n")
  file(CONFIGURE OUTPUT ${output} CONTENT "@source@" @ONLY)
endfunction()
