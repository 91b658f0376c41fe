# cmake -DCHECK=check.cmake -DWORK=DIR -P check_finds.cmake
# Shows on made-up trees that the check finds what it is there to find, names the place, and lets the rest pass.
cmake_minimum_required(VERSION 3.25)

set(table "foundation/time:\ncontract:\nlimiter: foundation/*\ntoken: foundation/*\ndispatch: limiter token contract foundation/*\nmain: dispatch\n")
set(failed 0)

# Writes the files (pairs of path and text) and runs the check over them.
function(run_check output code)
  file(REMOVE_RECURSE ${WORK})
  file(WRITE ${WORK}/allowed.txt "${table}")
  file(WRITE ${WORK}/service/foundation/time/clock.hpp "#pragma once\n#include <chrono>\n")
  while(ARGN)
    list(POP_FRONT ARGN path text)
    file(WRITE ${WORK}/service/${path} "${text}")
  endwhile()
  execute_process(COMMAND ${CMAKE_COMMAND} -DTREE=${WORK}/service -DTABLE=${WORK}/allowed.txt -P ${CHECK}
    OUTPUT_VARIABLE out ERROR_VARIABLE out RESULT_VARIABLE result)
  set(${output} "${out}" PARENT_SCOPE)
  set(${code} "${result}" PARENT_SCOPE)
endfunction()

function(accepts title)
  run_check(output code ${ARGN})
  if(NOT code EQUAL 0)
    message("FAILED: ${title}: should be accepted, but:\n${output}")
    math(EXPR failed "${failed} + 1")
    set(failed ${failed} PARENT_SCOPE)
  endif()
endfunction()

function(refuses title expected)
  run_check(output code ${ARGN})
  string(FIND "${output}" "${expected}" at)
  if(code EQUAL 0 OR at EQUAL -1)
    message("FAILED: ${title}: should be refused with '${expected}', but (exit ${code}):\n${output}")
    math(EXPR failed "${failed} + 1")
    set(failed ${failed} PARENT_SCOPE)
  endif()
endfunction()

accepts("includes that follow the picture"
  main.cpp "#include \"dispatch/loop.hpp\"\n"
  dispatch/loop.cpp "#include \"dispatch/loop.hpp\"\n#include \"limiter/gate.hpp\"\n  #  include \"foundation/time/clock.hpp\"\n#include <boost/asio.hpp>\n#include \"contract.hpp\"\n"
  dispatch/inner/part.hpp "#include \"dispatch/loop.hpp\" // a list; with [ brackets\n#include \"token/keeper.hpp\"\n")
refuses("an include against the direction" "service/limiter/gate.cpp:3: limiter may not include dispatch"
  limiter/gate.cpp "#include \"limiter/gate.hpp\"\n\n#include \"dispatch/loop.hpp\"\n")
refuses("an include between neighbours that do not know each other" "service/token/keeper.hpp:1: token may not include limiter; it may include: foundation/time"
  token/keeper.hpp "#include \"limiter/gate.hpp\"\n")
refuses("two folders that include each other" "(dispatch may include limiter: the two would include each other)"
  dispatch/loop.hpp "#include \"limiter/gate.hpp\"\n" limiter/gate.hpp "#include \"dispatch/loop.hpp\"\n")
refuses("a foundation that knows the service" "service/foundation/time/wheel.hpp:2: foundation/time may not include limiter"
  foundation/time/wheel.hpp "// brackets [ and ; in comments do not hide what follows\n#include \"limiter/gate.hpp\"\n")
refuses("the embedded contract where it does not belong" "service/token/keeper.hpp:1: token may not include contract"
  token/keeper.hpp "#include \"contract.hpp\"\n")
refuses("an include that leaves out a step" "service/main.cpp:1: main may not include limiter"
  main.cpp "#include \"limiter/gate.hpp\"\n")
refuses("a folder that is not in the picture" "service/billing/invoice.cpp:1: this folder is not in the picture"
  billing/invoice.cpp "int main() {}\n")
refuses("a source beside the folders" "service/extra.cpp:1: this folder is not in the picture"
  extra.cpp "int x;\n")
refuses("a folder called util" "service/limiter/util/strings.hpp:1: no folder is called 'util'"
  limiter/util/strings.hpp "#pragma once\n")
refuses("a folder called helpers" "service/helpers/strings.hpp:1: no folder is called 'helpers'"
  helpers/strings.hpp "#pragma once\n")
refuses("an include that is not written from service/" "service/limiter/gate.cpp:1: \"gate.hpp\" lies in no folder of the house"
  limiter/gate.cpp "#include \"gate.hpp\"\n")
refuses("an include by way of the parent" "\"../token/keeper.hpp\" lies in no folder of the house"
  limiter/gate.cpp "#include \"../token/keeper.hpp\"\n")
refuses("our header in angle brackets" "<foundation/time/clock.hpp> is ours"
  limiter/gate.cpp "#include <foundation/time/clock.hpp>\n")
refuses("every fault, not only the first" "service/token/b.hpp:1: token may not include dispatch"
  limiter/a.hpp "#include \"token/b.hpp\"\n" token/b.hpp "#include \"dispatch/loop.hpp\"\n")

set(table "limiter: token\ntoken: limiter\n")
refuses("a table with a circle" "the line of 'limiter' names 'token'")
set(table "time:\ntime:\n")
refuses("a table with two lines for a folder" "'time' stands there twice")

file(REMOVE_RECURSE ${WORK})
if(failed)
  message(FATAL_ERROR "${failed} of the cases failed")
endif()
message(STATUS "the check found every fault and accepted what is right")
