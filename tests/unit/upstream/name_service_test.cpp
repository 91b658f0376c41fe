#include "upstream/name_service.hpp"

#include <doctest/doctest.h>

#include <condition_variable>
#include <future>
#include <list>
#include <set>
#include <tuple>

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

// Blocks as getaddrinfo does, on the names that the test holds.
class blocking_resolver {
 public:
  addresses look_up(const std::string& host, std::uint16_t port) {
    std::unique_lock lock{mutex_};
    asked_.insert(host);
    most_ = std::max(most_, ++running_);
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_.contains(host); });
    --running_;
    return set{at("192.0.2.1", port)};
  }
  void hold(std::string host) {
    const std::lock_guard lock{mutex_};
    held_.insert(std::move(host));
  }
  void release(const std::string& host) {
    const std::lock_guard lock{mutex_};
    held_.erase(host);
    changed_.notify_all();
  }
  bool wait_until_asked(std::size_t how_often) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return asked_.size() >= how_often; });
  }
  std::size_t asked(const std::string& host) {
    const std::lock_guard lock{mutex_};
    return asked_.count(host);
  }
  // At once.
  std::size_t most() {
    const std::lock_guard lock{mutex_};
    return most_;
  }
  static constexpr auto patience = 20s;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> held_;
  std::multiset<std::string> asked_;
  std::size_t running_ = 0;
  std::size_t most_ = 0;
};

struct threads_fixture {
  std::shared_ptr<blocking_resolver> resolver = std::make_shared<blocking_resolver>();
  std::optional<system_lookups> subject{
      std::in_place,
      [with = resolver](const std::string& host, std::uint16_t port) { return with->look_up(host, port); }, 2};

  std::future<addresses> look_up(std::string host, std::uint16_t port = 443) {
    auto told = std::make_shared<std::promise<addresses>>();
    auto answer = told->get_future();
    subject->look_up(std::move(host), port, [told](addresses found) { told->set_value(std::move(found)); });
    return answer;
  }
  static bool comes(const std::future<addresses>& answer) {
    return answer.wait_for(blocking_resolver::patience) == std::future_status::ready;
  }
};

TEST_CASE_FIXTURE(threads_fixture, "a name whose servers are silent stands in no other one's way") {
  resolver->hold("silent.test");
  const auto silent = look_up("silent.test");
  REQUIRE(resolver->wait_until_asked(1));
  auto answer = look_up("podero.test", 8443);
  REQUIRE(comes(answer));
  CHECK(answer.get().value() == set{at("192.0.2.1", 8443)});
  CHECK(silent.wait_for(0s) == std::future_status::timeout);
  resolver->release("silent.test");
  CHECK(comes(silent));
}

TEST_CASE_FIXTURE(threads_fixture,
                  "who asks while the same is looked up hears of it too; afterwards it is looked up anew") {
  resolver->hold("podero.test");
  const auto first = look_up("podero.test");
  REQUIRE(resolver->wait_until_asked(1));
  const auto second = look_up("podero.test");
  const auto of_another_port = look_up("podero.test", 8443);
  REQUIRE(resolver->wait_until_asked(2));
  resolver->release("podero.test");
  CHECK(comes(first));
  CHECK(comes(second));
  CHECK(comes(of_another_port));
  CHECK(resolver->asked("podero.test") == 2);
  CHECK(comes(look_up("podero.test")));
  CHECK(resolver->asked("podero.test") == 3);
}

TEST_CASE_FIXTURE(threads_fixture,
                  "no more are looked up at once than there may be threads; the others get their turn") {
  resolver->hold("silent.test");
  const auto silent = look_up("silent.test");
  REQUIRE(resolver->wait_until_asked(1));
  std::vector<std::future<addresses>> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(look_up(std::to_string(i) + ".test"));
  for (const auto& each : answers) CHECK(comes(each));
  CHECK(resolver->most() == 2);
  resolver->release("silent.test");
  CHECK(comes(silent));
}

TEST_CASE_FIXTURE(threads_fixture, "at the end no lookup is waited for, and nobody is told of one") {
  resolver->hold("silent.test");
  resolver->hold("mute.test");
  auto under_way = look_up("silent.test");
  auto another = look_up("mute.test");
  auto in_line = look_up("podero.test");
  REQUIRE(resolver->wait_until_asked(2));
  const auto gone = std::async(std::launch::async, [this] { subject.reset(); });
  CHECK(gone.wait_for(blocking_resolver::patience) == std::future_status::ready);
  for (auto* each : {&under_way, &another, &in_line}) {
    REQUIRE(comes(*each));
    CHECK_THROWS_AS(std::ignore = each->get(), std::future_error);  // whoever could tell has gone
  }
  resolver->release("silent.test");
  resolver->release("mute.test");
  CHECK(resolver->asked("podero.test") == 0);
}

TEST_CASE("a thread that is at a lookup when everything else has gone ends by itself, and what it used goes with it") {
  auto resolver = std::make_shared<blocking_resolver>();
  resolver->hold("silent.test");
  const auto ended = std::make_shared<std::promise<void>>();
  const auto end = [ended](void*) { ended->set_value(); };
  {
    support::loop_fixture on;
    system_lookups lookups{[with = resolver, last = std::shared_ptr<void>{nullptr, end}](
                               const std::string& host, std::uint16_t port) { return with->look_up(host, port); }};
    name_service names{on.loop, lookups};
    std::optional<addresses> got;
    on.start(names_fixture::ask(names, "silent.test", 443, on.loop.now() + 1s, got));
    REQUIRE(resolver->wait_until_asked(1));
    on.advance(1s);
    CHECK_FALSE(got->has_value());
  }
  resolver->release("silent.test");
  CHECK(ended->get_future().wait_for(blocking_resolver::patience) == std::future_status::ready);
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
