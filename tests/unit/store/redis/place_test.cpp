#include "store/redis/place.hpp"
#include "support/literal_names.hpp"

#include "memory_server.hpp"

namespace gateway::store::redis {
namespace {

using std::chrono::milliseconds;

// Some addresses answer, others are silent or refuse.
struct several final : transport::connector {
  explicit several(transport::loop& on) : loop{on} {}
  transport::task<std::expected<std::unique_ptr<transport::channel>, std::string>> connect(
      transport::endpoint where, time::instant deadline) override {
    const auto address = where.address().to_string();
    asked.push_back(address);
    if (address == "192.0.2.1") {
      transport::parking never{loop.ready()};
      co_await never.wait(loop.deadlines(), deadline);
      co_return std::unexpected{std::string{"timed out"}};
    }
    co_return std::unexpected{"refused by " + address};
  }
  transport::loop& loop;
  std::vector<std::string> asked;
};

struct fixture : support::loop_fixture {
  transport::task<> try_open(network& net, place where) {
    auto came = co_await open(net, where, nobody, {}, loop.now() + milliseconds{900});
    outcome = came ? "open" : came.error();
  }
  identity nobody;
  std::string outcome;
};

TEST_CASE("A place is named by host and port, or by its path") {
  CHECK(name_of({.host = "redis.test"}) == "redis.test:6379");
  CHECK(name_of({.host = "2001:db8::1", .port = 6380}) == "[2001:db8::1]:6380");
  CHECK(name_of({.unix_path = "run/redis.sock"}) == "run/redis.sock");
}

TEST_CASE("Addresses are tried one after the other, and a silent one leaves time for the next") {
  fixture f;
  several connector{f.loop};
  network net{
      .loop = f.loop,
      .connector = connector,
      .resolve = [](std::string, std::uint16_t port,
                    time::instant) -> transport::task<std::expected<std::vector<transport::endpoint>, std::string>> {
        std::vector<transport::endpoint> all;
        for (const char* each : {"192.0.2.1", "192.0.2.2", "192.0.2.3"})
          all.emplace_back(boost::asio::ip::make_address(each), port);
        co_return all;
      }};
  f.start(f.try_open(net, {.host = "redis.test"}));
  CHECK(connector.asked == std::vector<std::string>{"192.0.2.1"});
  f.advance(milliseconds{300});
  CHECK(connector.asked == std::vector<std::string>{"192.0.2.1", "192.0.2.2", "192.0.2.3"});
  CHECK(f.outcome == "redis.test:6379: refused by 192.0.2.3");
}

TEST_CASE("A name that leads nowhere is named in the reason") {
  fixture f;
  several connector{f.loop};
  network net{
      .loop = f.loop,
      .connector = connector,
      .resolve = [](std::string, std::uint16_t,
                    time::instant) -> transport::task<std::expected<std::vector<transport::endpoint>, std::string>> {
        co_return std::unexpected{std::string{"no such name"}};
      }};
  f.start(f.try_open(net, {.host = "redis.test"}));
  CHECK(f.outcome == "redis.test:6379: cannot resolve redis.test: no such name");
}

TEST_CASE("A socket's path that is not there, or too long, is an error") {
  fixture f;
  several connector{f.loop};
  network net{.loop = f.loop, .connector = connector, .resolve = gateway::support::literal_names()};
  f.start(f.try_open(net, {.unix_path = "no/such/socket"}));
  CHECK(f.outcome == "no/such/socket: No such file or directory");
  f.start(f.try_open(net, {.unix_path = std::string(200, 'x')}));
  CHECK(f.outcome.ends_with(": the path is too long"));
}

}  // namespace
}  // namespace gateway::store::redis
