#include "store/redis/trouble.hpp"

#include <doctest/doctest.h>

#include "store/redis/server_facts.hpp"

namespace gateway::store::redis {
namespace {

TEST_CASE("What an error means stands in one table") {
  struct row {
    const char* code;
    bool retryable, drops_connection, misconfigured;
  };
  for (const auto& [code, retryable, drops, misconfigured] : {
           row{"READONLY", true, true, false},
           row{"LOADING", true, true, false},
           row{"MASTERDOWN", true, true, false},
           row{"OOM", true, false, false},
           row{"MISCONF", true, false, false},
           row{"NOREPLICAS", true, false, false},
           row{"BUSY", true, false, false},
           row{"NOAUTH", false, true, true},
           row{"WRONGPASS", false, true, true},
           row{"NOPERM", false, false, true},
           row{"MOVED", false, false, true},
           row{"CROSSSLOT", false, false, true},
           row{"NOSCRIPT", false, false, false},
           row{"WRONGTYPE", false, false, false},
           row{"ERR", false, false, false},
           row{"", false, false, false},
       }) {
    CAPTURE(code);
    CHECK(meaning_of(code).retryable == retryable);
    CHECK(meaning_of(code).drops_connection == drops);
    CHECK(meaning_of(code).misconfigured == misconfigured);
  }
}

TEST_CASE("The code of an error is its first word, in capitals") {
  CHECK(trouble_of_error("READONLY You can't write against a read only replica.").code == "READONLY");
  CHECK(trouble_of_error("NOAUTH").code == "NOAUTH");
  CHECK(trouble_of_error("something else").code == "ERR");
  CHECK(trouble_of_error("").code == "ERR");
  CHECK(trouble_of_error("OOM no").written);
  CHECK(trouble_of_error("OOM no").reason == "OOM no");
}

TEST_CASE("An error that a script passed on keeps its code in older servers' wrapping too") {
  CHECK(
      trouble_of_error("ERR Error running script (call to f_00): @user_script:1: @user_script: 1: -READONLY You can't "
                       "write against a read only replica.")
          .code == "READONLY");
  CHECK(trouble_of_error("ERR Error running script (call to f_00): @user_script:1: user_script:1: no").code == "ERR");
}

TEST_CASE("A reason repeats no argument of the command") {
  const auto told = trouble_of_error("ERR unknown command 'AUTH', with args beginning with: 'sample-password' ");
  CHECK(told.reason == "ERR unknown command 'AUTH'");
}

TEST_CASE("The server's facts are read from INFO") {
  CHECK(read_server_facts("# Server\r\nredis_version:7.0.15\r\nos:Linux\r\nrun_id:0123\r\nredis_versions:1\r\n") ==
        server_facts{.run_id = "0123", .redis_version = "7.0.15"});
  CHECK(read_server_facts("run_id:9") == server_facts{.run_id = "9", .redis_version = ""});
  CHECK(read_server_facts("") == server_facts{});
}

}  // namespace
}  // namespace gateway::store::redis
