#include "upstream/name_service.hpp"

#include <doctest/doctest.h>

#include <list>

#include "support/loop_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::upstream;
using namespace std::chrono_literals;
using transport::endpoint;
using transport::task;

endpoint at(const char* address, std::uint16_t port = 443) {
  return {boost::asio::ip::make_address(address), port};
}
using set = std::vector<endpoint>;

// Lookups stay outstanding until the test answers them.
struct stepping_lookups final : lookup_source {
  void look_up(std::string host, std::uint16_t port, handler done) override {
    asked.push_back(host + ":" + std::to_string(port));
    outstanding.push_back(std::move(done));
  }
  void answer(addresses with) {
    auto done = std::move(outstanding.front());
    outstanding.pop_front();
    done(std::move(with));
  }
  std::vector<std::string> asked;
  std::deque<handler> outstanding;
};

struct names_fixture : support::loop_fixture {
  stepping_lookups lookups;
  std::list<std::optional<addresses>> answers;
  std::optional<name_service> subject{std::in_place, loop, lookups, 30s};

  static task<> ask(resolver& of, std::string host, std::uint16_t port, time::instant deadline,
                    std::optional<addresses>& into) {
    into = co_await of.resolve(host, port, deadline);
  }
  // What is known of it so far; it may come later.
  std::optional<addresses>& resolve(resolver& of, const std::string& host, std::uint16_t port = 443) {
    auto& got = answers.emplace_back();
    start(ask(of, host, port, loop.now() + 1s, got));
    return got;
  }
  std::optional<addresses>& resolve(const std::string& host) { return resolve(*subject, host); }
  void answer(addresses with) {
    lookups.answer(std::move(with));
    settle();
  }
};

TEST_CASE_FIXTURE(names_fixture, "an address is its own answer") {
  CHECK(resolve("192.0.2.7")->value() == set{at("192.0.2.7")});
  CHECK(resolve("2001:db8::7")->value() == set{at("2001:db8::7")});
  CHECK(lookups.asked.empty());
}

TEST_CASE_FIXTURE(names_fixture, "the first who ask wait for one lookup; later ones are answered from what is known") {
  std::optional<addresses> first;
  std::optional<addresses> second;
  start(ask(*subject, "podero.test", 443, loop.now() + 1s, first));
  start(ask(*subject, "podero.test", 443, loop.now() + 1s, second));
  CHECK(lookups.asked == std::vector<std::string>{"podero.test:443"});
  CHECK_FALSE(first.has_value());
  answer(set{at("192.0.2.1"), at("192.0.2.2")});
  CHECK(first->value() == set{at("192.0.2.1"), at("192.0.2.2")});
  CHECK(second->value() == set{at("192.0.2.1"), at("192.0.2.2")});
  advance(29s);
  CHECK(resolve("podero.test")->value().size() == 2);
  CHECK(lookups.asked.size() == 1);
}

TEST_CASE_FIXTURE(names_fixture, "an old answer is given at once and refreshed behind it, with one lookup") {
  resolve("podero.test");
  answer(set{at("192.0.2.1")});
  advance(30s);
  CHECK(resolve("podero.test")->value() == set{at("192.0.2.1")});
  CHECK(resolve("podero.test")->value() == set{at("192.0.2.1")});
  CHECK(lookups.asked.size() == 2);
  answer(set{at("192.0.2.9")});
  CHECK(resolve("podero.test")->value() == set{at("192.0.2.9")});
  CHECK(lookups.asked.size() == 2);
}

TEST_CASE_FIXTURE(names_fixture, "the last good set is kept, however long lookups fail") {
  resolve("podero.test");
  answer(set{at("192.0.2.1")});
  for (int i = 0; i < 100; ++i) {
    advance(30s);
    CHECK(resolve("podero.test")->value() == set{at("192.0.2.1")});
    answer(std::unexpected{std::string{"the name servers are away"}});
    CHECK(resolve("podero.test")->value() == set{at("192.0.2.1")});
  }
  CHECK(lookups.asked.size() == 101);
}

TEST_CASE_FIXTURE(names_fixture, "only who has never known an answer hears of the failure, and asks again next time") {
  std::optional<addresses> got;
  start(ask(*subject, "podero.test", 443, loop.now() + 1s, got));
  answer(std::unexpected{std::string{"no such name"}});
  CHECK(got->error() == "no such name");
  start(ask(*subject, "podero.test", 443, loop.now() + 1s, got));
  CHECK(lookups.asked.size() == 2);
  answer(set{at("192.0.2.1")});
  CHECK(got->value() == set{at("192.0.2.1")});
}

TEST_CASE_FIXTURE(names_fixture,
                  "who waits for a first answer does so until its deadline; the answer is kept for others") {
  std::optional<addresses> got;
  start(ask(*subject, "podero.test", 443, loop.now() + 1s, got));
  advance(1s);
  CHECK(got->error() == "the name servers have not answered in time");
  answer(set{at("192.0.2.1")});
  CHECK(resolve("podero.test")->value() == set{at("192.0.2.1")});
  CHECK(lookups.asked.size() == 1);
}

TEST_CASE_FIXTURE(names_fixture, "an answer that comes when the service has gone is dropped") {
  resolve("podero.test");
  advance(1s);
  subject.reset();
  answer(set{at("192.0.2.1")});
  CHECK(lookups.outstanding.empty());
}

TEST_CASE_FIXTURE(names_fixture, "an answer that is in the loop's mailbox when the service goes is dropped") {
  resolve("podero.test");
  advance(1s);
  lookups.answer(set{at("192.0.2.1")});
  subject.reset();
  settle();
  CHECK_FALSE(subject.has_value());
}

TEST_CASE_FIXTURE(names_fixture, "overrides lead where they say, for any port or for one; the rest is asked") {
  override_resolver with{
      {{.host = "podero.test", .address = boost::asio::ip::make_address("127.0.0.1")},
       {.host = "one.test", .port = 443, .address = boost::asio::ip::make_address("127.0.0.2"), .to_port = 8443}},
      *subject};
  CHECK(resolve(with, "podero.test", 443)->value() == set{at("127.0.0.1", 443)});
  CHECK(resolve(with, "podero.test", 80)->value() == set{at("127.0.0.1", 80)});
  CHECK(resolve(with, "one.test", 443)->value() == set{at("127.0.0.2", 8443)});
  CHECK(lookups.asked.empty());
  resolve(with, "one.test", 80);
  CHECK(lookups.asked == std::vector<std::string>{"one.test:80"});
  advance(1s);
  answer(std::unexpected{std::string{"no such name"}});
}

}  // namespace
