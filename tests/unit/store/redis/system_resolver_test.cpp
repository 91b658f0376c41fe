#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <thread>

#include "foundation/transport/background.hpp"
#include "store/redis/place.hpp"
#include "support/loop_fixture.hpp"

namespace gateway::store::redis {
namespace {

using std::chrono::milliseconds;

transport::endpoint at(const char* address) {
  return {boost::asio::ip::make_address(address), 6379};
}

struct fixture : support::loop_fixture {
  transport::task<> ask(resolver from, std::string host) {
    auto found = from(std::move(host), 6379, loop.now() + milliseconds{1000});
    came = co_await std::move(found);
  }
  // Lookups run on threads: turns the loop until the answer is there.
  addresses answer(const resolver& from, const std::string& host) {
    came.reset();
    start(ask(from, host));
    while (!came) {
      loop.turn();
      std::this_thread::yield();
    }
    return *came;
  }
  std::optional<addresses> came;
};

TEST_CASE("An address is its own answer, at once") {
  fixture f;
  const auto resolve = system_resolver(f.loop);
  f.start(f.ask(resolve, "192.0.2.7"));
  REQUIRE(f.came.has_value());
  CHECK(f.came->value() == std::vector{at("192.0.2.7")});
}

TEST_CASE("The last good answer is kept when the next lookup fails") {
  fixture f;
  std::atomic<int> asked{0};
  const auto resolve = system_resolver(f.loop, [&asked](const std::string&, std::uint16_t) -> addresses {
    if (++asked % 2 == 0) return std::unexpected{std::string{"no such name"}};
    return std::vector{at("192.0.2.1"), at("192.0.2.2")};
  });
  for (int i = 0; i < 4; ++i) CHECK(f.answer(resolve, "redis.test").value().size() == 2);
  CHECK(asked == 4);
}

TEST_CASE("A name that was never known is an error") {
  fixture f;
  const auto resolve = system_resolver(f.loop, [](const std::string&, std::uint16_t) -> addresses {
    return std::unexpected{std::string{"no such name"}};
  });
  CHECK(f.answer(resolve, "redis.test").error() == "no such name");
}

TEST_CASE("Name servers that do not answer cost the time there is, or half of it where an answer is known") {
  fixture f;
  std::promise<void> gate;
  const auto opened = gate.get_future().share();
  const auto slow = std::make_shared<std::atomic<bool>>(false);  // the threads outlive the test
  const auto resolve = system_resolver(f.loop, [slow, opened](const std::string&, std::uint16_t) -> addresses {
    if (*slow) opened.wait();
    return std::vector{at("192.0.2.1")};
  });
  CHECK(f.answer(resolve, "known.test").has_value());
  *slow = true;

  f.came.reset();
  f.start(f.ask(resolve, "known.test"));
  f.advance(milliseconds{499});
  CHECK(!f.came.has_value());
  f.advance(milliseconds{1});
  REQUIRE(f.came.has_value());
  CHECK(f.came->value() == std::vector{at("192.0.2.1")});

  f.came.reset();
  f.start(f.ask(resolve, "unknown.test"));
  f.advance(milliseconds{1000});
  REQUIRE(f.came.has_value());
  CHECK(f.came->error() == "the name servers have not answered in time");

  // Who leaves is not waited for, and the late answers find nobody.
  {
    const transport::background leaves{f.ask(resolve, "left.test")};
  }
  gate.set_value();
}

}  // namespace
}  // namespace gateway::store::redis
