#include "store/redis/command.hpp"

#include <doctest/doctest.h>

#include "store/redis/script.hpp"

namespace gateway::store::redis {
namespace {

using namespace std::string_view_literals;

TEST_CASE("A command goes out as an array of bulk strings, whatever bytes its words hold") {
  const command set{"SET", "a key", "\r\n\0$1"sv, ""};
  CHECK(set.name() == "SET");
  CHECK(set.bytes() == "*4\r\n$3\r\nSET\r\n$5\r\na key\r\n$5\r\n\r\n\0$1\r\n$0\r\n\r\n"sv);
}

TEST_CASE("A command that is wiped keeps nothing of its words") {
  command secret{"AUTH", "sample-password-sample"};
  secret.wipe();
  CHECK(!secret.bytes().contains("sample"));
}

TEST_CASE("A script is known by the SHA-1 of its source") {
  const script one{"one", "return 1"};
  CHECK(one.sha1() == "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
}

TEST_CASE("A call of a script goes by hash or by source, with the same keys and arguments") {
  const script add{"add", "return 1"};
  const script_call call{add, {"k1", "k2"}, {"", "7"}};
  CHECK(call.by_hash().name() == "EVALSHA");
  CHECK(call.by_hash().bytes() ==
        "*7\r\n$7\r\nEVALSHA\r\n$40\r\ne0e1f9fabfc9d4800c877a703b823ac0578ff8db\r\n$1\r\n2\r\n$2\r\nk1\r\n$2\r\nk2\r\n"
        "$0\r\n\r\n$1\r\n7\r\n");
  CHECK(call.by_source().bytes() ==
        "*7\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n2\r\n$2\r\nk1\r\n$2\r\nk2\r\n$0\r\n\r\n$1\r\n7\r\n");
  CHECK(script_call{add, {}, {}}.by_source().bytes() == "*3\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n0\r\n");
}

}  // namespace
}  // namespace gateway::store::redis
