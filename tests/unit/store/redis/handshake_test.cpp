#include "store/redis/handshake.hpp"

#include <doctest/doctest.h>

namespace gateway::store::redis {
namespace {

const outcome ok = reply::status("OK");
const outcome info = reply::bulk("run_id:77\r\nredis_version:7.0.15\r\n");
const outcome pong = reply::status("PONG");

outcome refusal(std::string_view text) {
  return std::unexpected{trouble_of_error(text)};
}
std::string said(const handshake& greeting) {
  std::string all;
  for (const auto& each : greeting.commands()) all += each.bytes();
  return all;
}

TEST_CASE("Without password, database and name only the server is asked about") {
  const handshake greeting{{}, 0, ""};
  CHECK(said(greeting) == "*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n*1\r\n$4\r\nPING\r\n");
  CHECK(greeting.judge(std::vector{info, pong}) == server_facts{.run_id = "77", .redis_version = "7.0.15"});
}

TEST_CASE("Password, user, database and name are said in that order") {
  const handshake greeting{{.user = "gateway", .password = secrets::secret{"sample"}}, 3, "egress"};
  CHECK(said(greeting).starts_with(
      "*3\r\n$4\r\nAUTH\r\n$7\r\ngateway\r\n$6\r\nsample\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
      "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$6\r\negress\r\n*2\r\n$4\r\nINFO"));
  const handshake without_user{{.user = "", .password = secrets::secret{"sample"}}, 0, ""};
  CHECK(said(without_user).starts_with("*2\r\n$4\r\nAUTH\r\n$6\r\nsample\r\n*2\r\n$4\r\nINFO"));
}

TEST_CASE("Of a refusal the step and the code are told, never the server's words") {
  const handshake greeting{{.user = "", .password = secrets::secret{"sample"}}, 1, "n"};
  const auto noauth = refusal("NOAUTH Authentication required.");
  const auto judged = [&](outcome auth, outcome select, outcome name) {
    return greeting.judge(std::vector{std::move(auth), std::move(select), std::move(name), info, pong});
  };
  CHECK(judged(refusal("WRONGPASS invalid sample"), noauth, noauth).error() == "AUTH was refused: WRONGPASS");
  CHECK(!judged(refusal("ERR unknown command 'AUTH', with args beginning with: 'sample'"), ok, ok)
             .error()
             .contains("sample"));
  CHECK(judged(ok, refusal("ERR DB index is out of range"), ok).error() == "SELECT was refused: ERR");
  CHECK(judged(ok, ok, refusal("NOPERM no")).has_value());  // a name is not worth a failure
}

TEST_CASE("A server that still loads its data, or tells no run id, is not ready") {
  const handshake greeting{{}, 0, ""};
  CHECK(greeting.judge(std::vector{info, refusal("LOADING Redis is loading")}).error() == "PING was refused: LOADING");
  CHECK(greeting.judge(std::vector<outcome>{reply::bulk("x"), pong}).error() ==
        "INFO does not tell the server's run_id");
  const outcome late = std::unexpected{trouble{trouble::kind::timed_out, true, "", "not answered in time"}};
  CHECK(greeting.judge(std::vector{info, late}).error() == "PING: not answered in time");
}

}  // namespace
}  // namespace gateway::store::redis
