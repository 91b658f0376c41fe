# One place for everything that depends on the compiler.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines: temporaries in the same full expression as "
    "co_await are destroyed twice (GCC PR 107288 and kin). Use clang 19 (the presets do: cmake --preset debug), "
    "or g++ 13 and later. tests/toolchain shows the faults.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness is what ccache's manual asks for with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=3G ${CCACHE})
endif()

include(CheckCXXCompilerFlag)
check_cxx_compiler_flag(-fcf-protection=full HAS_CF_PROTECTION)   # x86 only

set(SANITIZE "" CACHE STRING "Comma separated sanitizers, for example address,undefined")
set(WARNINGS_AS_ERRORS ON CACHE BOOL "Warnings stop the build")

add_library(gateway_options INTERFACE)
target_compile_options(gateway_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wimplicit-fallthrough -Wextra-semi -Wunused
  $<$<BOOL:${WARNINGS_AS_ERRORS}>:-Werror>
  -fno-omit-frame-pointer -fstack-protector-strong
  # What is shipped only: with the sanitizers these would hide what tests are to find, or check it twice.
  $<$<CONFIG:Release>:-fPIE>   # one kind of code for libraries and programs, because they share a precompiled header
  $<$<CONFIG:Release>:-fstack-clash-protection>
  $<$<CONFIG:Release>:-ftrivial-auto-var-init=zero>
  $<$<AND:$<CONFIG:Release>,$<BOOL:${HAS_CF_PROTECTION}>>:-fcf-protection=full>
  $<$<CXX_COMPILER_ID:Clang>:-fcolor-diagnostics>)
target_compile_definitions(gateway_options INTERFACE
  _GLIBCXX_ASSERTIONS
  $<$<CONFIG:Release>:_FORTIFY_SOURCE=3>)
if(SANITIZE)
  target_compile_options(gateway_options INTERFACE -fsanitize=${SANITIZE} -fno-sanitize-recover=all)
  target_link_options(gateway_options INTERFACE -fsanitize=${SANITIZE})
endif()
set(PROFILE "" CACHE STRING "`generate` to make programs that count what runs, or the profile to optimise by")
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_link_options(gateway_options INTERFACE -fuse-ld=lld)
  # A request runs through more code than the first cache holds, most of it once: calls into libraries go straight, and equal
  # functions are one (where they are not counted: the runtime that counts was made without what that needs).
  target_compile_options(gateway_options INTERFACE $<$<CONFIG:Release>:-fno-plt>)
  if(NOT PROFILE STREQUAL "generate")
    target_link_options(gateway_options INTERFACE $<$<CONFIG:Release>:-Wl,--icf=safe>)
  endif()
endif()

# Which way a branch goes, what is worth inlining, and what stands together in memory: from a run (bench/training), not guessed.
# bench/README.md says what it brings. Code that never ran there is made small, and as right as ever.
if(PROFILE STREQUAL "generate")
  target_compile_options(gateway_options INTERFACE -fprofile-generate)
  target_link_options(gateway_options INTERFACE -fprofile-generate)
elseif(PROFILE)
  if(NOT EXISTS "${PROFILE}")
    message(FATAL_ERROR "There is no profile ${PROFILE}: tests/scripts/ship makes it, and builds by it.")
  endif()
  # By a name that tells its content: with another profile everything is compiled again.
  file(SHA256 "${PROFILE}" digest)
  string(SUBSTRING ${digest} 0 16 digest)
  set(profile ${CMAKE_BINARY_DIR}/profile-${digest}.profdata)
  configure_file("${PROFILE}" ${profile} COPYONLY)
  # Counts go by the functions' names: clang warns of every other program that its `main` is not the one that was counted.
  target_compile_options(gateway_options INTERFACE -fprofile-use=${profile} -Wno-backend-plugin)
endif()

# tests/toolchain/hardening looks at the programs for the result.
target_link_options(gateway_options INTERFACE $<$<CONFIG:Release>:-pie> -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code)

find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url program_options)
find_package(prometheus-cpp REQUIRED COMPONENTS core)
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)

# hiredis 0.14 brings no CMake package.
find_library(HIREDIS_LIBRARY hiredis REQUIRED)
find_path(HIREDIS_INCLUDE_DIR hiredis/read.h REQUIRED)
add_library(hiredis::hiredis UNKNOWN IMPORTED)
set_target_properties(hiredis::hiredis PROPERTIES
  IMPORTED_LOCATION ${HIREDIS_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${HIREDIS_INCLUDE_DIR})

# Nor does nghttp2 1.52.
find_library(NGHTTP2_LIBRARY nghttp2 REQUIRED)
find_path(NGHTTP2_INCLUDE_DIR nghttp2/nghttp2.h REQUIRED)
add_library(nghttp2::nghttp2 UNKNOWN IMPORTED)
set_target_properties(nghttp2::nghttp2 PROPERTIES
  IMPORTED_LOCATION ${NGHTTP2_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${NGHTTP2_INCLUDE_DIR})

# One precompiled header and one compiled copy of Asio and Beast for everything.
add_library(gateway_boost STATIC ${CMAKE_SOURCE_DIR}/service/foundation/boost/asio.cpp
                                 ${CMAKE_SOURCE_DIR}/service/foundation/boost/asio_ssl.cpp
                                 ${CMAKE_SOURCE_DIR}/service/foundation/boost/beast.cpp)
target_compile_definitions(gateway_boost PUBLIC
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_VISIBILITY)
target_include_directories(gateway_boost PUBLIC ${CMAKE_SOURCE_DIR}/service)
target_link_libraries(gateway_boost PUBLIC gateway_options Boost::json Boost::url OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
target_precompile_headers(gateway_boost PRIVATE ${CMAKE_SOURCE_DIR}/service/foundation/boost/precompiled.hpp)
# Beast's parser has 4 KiB on its stack for folded lines, which are refused before it sees them: zeroing them was as much work as
# all the rest of it. It writes there before it reads.
set_source_files_properties(${CMAKE_SOURCE_DIR}/service/foundation/boost/beast.cpp PROPERTIES
  SKIP_PRECOMPILE_HEADERS ON COMPILE_OPTIONS $<$<CONFIG:Release>:-ftrivial-auto-var-init=uninitialized>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(gateway_boost PUBLIC -Xclang -fno-pch-timestamp)   # lets ccache keep it
endif()
