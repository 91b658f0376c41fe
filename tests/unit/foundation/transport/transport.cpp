#include <doctest/doctest.h>

#include <array>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "foundation/transport/acceptor.hpp"
#include "foundation/transport/memory.hpp"
#include "foundation/transport/parking.hpp"
#include "foundation/transport/socket.hpp"
#include "support/loop_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::transport;
using namespace std::chrono_literals;

task<int> answer() {
  co_return 42;
}
task<int> failing() {
  throw std::runtime_error{"no"};
  co_return 0;
}

TEST_CASE_FIXTURE(support::loop_fixture, "a task gives its value to whoever awaits it") {
  int got = 0;
  start([](int& into) -> task<> { into = co_await answer(); }(got));
  CHECK(got == 42);
}

// Of a result that is large; how many of them there are is counted.
struct large_result {
  explicit large_result(int& alive) : alive_{&alive} { ++alive; }
  large_result(large_result&& other) noexcept : alive_{other.alive_}, text{std::move(other.text)} { ++*alive_; }
  large_result& operator=(large_result&&) = delete;
  ~large_result() { --*alive_; }

 private:
  int* alive_;

 public:
  std::string text = "the result";
  std::array<char, 500> more{};
};
task<large_result> large(int& alive) {
  large_result made{alive};
  co_return std::move(made);
}

TEST_CASE_FIXTURE(support::loop_fixture, "a large result is no part of the frame, and goes with its task") {
  CHECK(sizeof(transport::detail::promise<large_result>) < sizeof(large_result) / 4);
  int alive = 0;
  int seen = 0;
  std::string got;
  start([](int& count, int& at_once, std::string& into) -> task<> {
    {
      auto making = large(count);
      auto& made = co_await making;
      at_once = count;
      into = made.text;
    }
    CHECK(count == 0);
    const auto taken = co_await large(count);
    into += " and " + taken.text;
  }(alive, seen, got));
  CHECK(seen == 1);
  CHECK(got == "the result and the result");
  CHECK(alive == 0);
}

TEST_CASE_FIXTURE(support::loop_fixture, "a large result that nobody takes is destroyed, and an exception is none") {
  int alive = 0;
  std::string caught;
  start([](int& count, std::string& into) -> task<> {
    auto making = large(count);
    co_await making;
    auto throwing = [](int& of) -> task<large_result> {
      if (of >= 0) throw std::runtime_error{"no"};
      co_return large_result{of};
    }(count);
    try {
      co_await throwing;
    } catch (const std::runtime_error& e) {
      into = e.what();
    }
  }(alive, caught));
  CHECK(caught == "no");
  CHECK(alive == 0);
}

TEST_CASE_FIXTURE(support::loop_fixture, "a large result is made where it stays, or not at all") {
  int alive = 0;
  int most = 0;
  std::string caught;
  start([](int& count, int& at_once, std::string& into) -> task<> {
    auto making = [](int& of) -> task<large_result> {
      co_return transport::made{[&] { return large_result{of}; }};
    }(count);
    auto& one = co_await making;
    at_once = count;
    into = one.text;
    auto throwing = [](int& of) -> task<large_result> {
      co_return transport::made{[&]() -> large_result {
        if (of >= 0) throw std::runtime_error{", no"};
        return large_result{of};
      }};
    }(count);
    try {
      co_await throwing;
    } catch (const std::runtime_error& e) {
      into += e.what();
    }
  }(alive, most, caught));
  CHECK(most == 1);  // no second one that it was moved from
  CHECK(caught == "the result, no");
  CHECK(alive == 0);
}

TEST_CASE_FIXTURE(support::loop_fixture, "an exception travels to whoever awaits") {
  std::string caught;
  start([](std::string& into) -> task<> {
    try {
      co_await failing();
    } catch (const std::runtime_error& e) {
      into = e.what();
    }
  }(caught));
  CHECK(caught == "no");
}

TEST_CASE("an exception that nobody catches is reported and ends only its own coroutine") {
  time::manual_clock clock;
  loop l{clock, loop::drive::by_hand};
  int reported = 0;
  l.on_escape([&](std::exception_ptr) { ++reported; });
  l.spawn([]() -> task<> { co_await failing(); }());
  l.turn();
  CHECK(reported == 1);
  CHECK(l.spawned() == 0);
}

TEST_CASE("a loop that ends destroys what still waits") {
  struct tracker {
    int& alive;
    explicit tracker(int& count) : alive{count} { ++alive; }
    ~tracker() { --alive; }
  };
  int alive = 0;
  time::manual_clock clock;
  {
    loop l{clock, loop::drive::by_hand};
    l.spawn([](loop& on, int& count) -> task<> {
      tracker here{count};
      parking place{on.ready()};
      co_await place.wait(on.deadlines(), time::instant::max());
    }(l, alive));
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

task<std::string> read_all(channel& from) {
  std::string all;
  std::array<char, 7> piece{};
  for (;;) {
    const auto got = from.try_read(piece);
    if (got.status == io_status::done) {
      all.append(piece.data(), got.bytes);
      continue;
    }
    if (got.status == io_status::end) co_return all;
    if (got.status == io_status::failed) co_return all + "!" + from.reason();
    const auto woken = co_await from.ready().wait(interest::read);
    if (woken == wake::timed_out) co_return all + "?";
    if (woken == wake::cancelled) co_return all + "#";
  }
}

task<> write_all(channel& to, std::string text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto put = to.try_write(rest);
    if (put.status == io_status::done) {
      rest.remove_prefix(put.bytes);
    } else if (put.status == io_status::want_write) {
      co_await to.ready().wait(interest::write);
    } else {
      co_return;
    }
  }
}

TEST_CASE_FIXTURE(support::loop_fixture, "bytes cross a pair in memory, however little it holds") {
  for (const std::size_t capacity : {1U, 3U, 1000U}) {
    CAPTURE(capacity);
    auto [a, b] = memory_channel::make_pair(loop.ready(), capacity);
    std::string got;
    loop.spawn([](channel& from, std::string& into) -> task<> { into = co_await read_all(from); }(*b, got));
    loop.spawn([](channel& to) -> task<> {
      co_await write_all(to, "the quick brown fox");
      to.finish();
    }(*a));
    settle();
    CHECK(got == "the quick brown fox");
  }
}

TEST_CASE_FIXTURE(support::loop_fixture, "a reset ends both sides") {
  auto [a, b] = memory_channel::make_pair(loop.ready());
  std::string got;
  start([](channel& from, std::string& into) -> task<> { into = co_await read_all(from); }(*b, got));
  a->reset();
  settle();
  CHECK(got == "!connection reset");
  CHECK(a->try_write(std::string_view{"x"}).status == io_status::failed);
}

TEST_CASE_FIXTURE(support::loop_fixture, "a watchdog ends a wait, and not one that came in time") {
  auto [a, b] = memory_channel::make_pair(loop.ready());
  std::string got;
  start([](transport::loop& on, channel& from, std::string& into) -> task<> {
    watchdog guard{from.ready()};
    guard.set(on.deadlines(), on.now() + 5s);
    into = co_await read_all(from);
  }(loop, *b, got));
  advance(4s);
  CHECK(got == "");
  advance(1s);
  CHECK(got == "?");
}

TEST_CASE_FIXTURE(support::loop_fixture,
                  "a time-out that passed between two waits is forgiven when the deadline moves") {
  auto [a, b] = memory_channel::make_pair(loop.ready());
  watchdog guard{b->ready()};
  guard.set(loop.deadlines(), loop.now() + 1s);
  advance(2s);
  guard.set(loop.deadlines(), loop.now() + 10s);
  std::string got;
  start([](channel& from, std::string& into) -> task<> { into = co_await read_all(from); }(*b, got));
  CHECK(got == "");
  a->finish();
  settle();
  CHECK(got == "");  // read, and nothing came
}

TEST_CASE_FIXTURE(support::loop_fixture, "cancelling a channel ends its wait for good") {
  auto [a, b] = memory_channel::make_pair(loop.ready());
  std::string got;
  start([](channel& from, std::string& into) -> task<> { into = co_await read_all(from); }(*b, got));
  b->ready().interrupt(wake::cancelled);
  settle();
  CHECK(got == "#");
}

TEST_CASE_FIXTURE(support::loop_fixture, "an observer hears of what happens while nobody waits") {
  struct counting final : readiness::observer {
    int events = 0;
    void channel_event() override { ++events; }
  } observer;
  auto [a, b] = memory_channel::make_pair(loop.ready());
  b->ready().observe(&observer);
  a->finish();
  settle();
  CHECK(observer.events == 1);
}

TEST_CASE_FIXTURE(support::loop_fixture, "a channel destroyed while its event is under way is not touched again") {
  auto [a, b] = memory_channel::make_pair(loop.ready());
  struct never final : readiness::observer {
    void channel_event() override { FAIL_CHECK("called for a channel that is gone"); }
  } observer;
  b->ready().observe(&observer);
  a->finish();  // the event is in the ready list now
  b.reset();
  settle();
}

TEST_CASE_FIXTURE(support::loop_fixture, "a parked coroutine wakes once, by whatever comes first") {
  wake why = wake::cancelled;
  parking place{loop.ready()};
  start([](transport::loop& on, parking& at, wake& into) -> task<> {
    into = co_await at.wait(on.deadlines(), on.now() + 1s);
  }(loop, place, why));
  place.wake_up();
  advance(2s);
  CHECK(why == wake::ready);

  parking late{loop.ready()};
  start([](transport::loop& on, parking& at, wake& into) -> task<> {
    into = co_await at.wait(on.deadlines(), on.now() + 1s);
  }(loop, late, why));
  advance(1s);
  CHECK(why == wake::timed_out);
}

TEST_CASE("a loop knows how late it came to its deadlines") {
  struct skewed_clock final : time::clock {
    time::instant now() const noexcept override { return std::chrono::steady_clock::now() + skew; }
    time::wall_instant wall_now() const noexcept override { return {}; }
    time::duration skew{};
  } clock;
  loop subject{clock};
  struct mark final : time::deadline {
    explicit mark(loop& on) : of{on} {}
    void expired() override { of.stop(); }
    loop& of;
  } due{subject};
  CHECK(subject.lag() == time::duration{});
  due.arm(subject.deadlines(), subject.now());
  subject.post([&] { clock.skew = 3s; });  // whatever it does takes three seconds
  std::thread{[&] { subject.run(); }}.join();
  CHECK(subject.lag() >= 3s);
  CHECK(subject.worst_lag() == subject.lag());
}

TEST_CASE("what a long turn ends one after the other has its own time of the calendar, by one reading of it") {
  time::manual_clock clock;
  loop subject{clock, loop::drive::by_hand};
  clock.advance(1h);
  subject.post([&] {
    const auto began = clock.wall_now();
    CHECK(subject.wall_now() == began);
    clock.advance(20ms);
    CHECK(subject.wall_now() == began);
    CHECK(subject.wall_at(clock.now()) == began + 20ms);
    CHECK(subject.wall_at(subject.now()) == began);
    clock.jump_wall(1h);  // seen by the next turn
    CHECK(subject.wall_at(clock.now()) == began + 20ms);
  });
  subject.turn();
  subject.turn();
  CHECK(subject.wall_at(clock.now()) == clock.wall_now());
}

TEST_CASE("a socket knows who is at its other end, and a pair in memory does not") {
  using boost::asio::ip::tcp;
  time::system_clock clock;
  loop subject{clock, loop::drive::by_hand};
  boost::asio::io_context apart;
  tcp::acceptor listening{apart, {boost::asio::ip::address_v4::loopback(), 0}};
  tcp::socket far{apart};
  far.connect(listening.local_endpoint());
  auto near = listening.accept();
  near.non_blocking(true);
  const gateway::transport::socket one{subject, near.release()};
  CHECK(one.peer_address() == boost::asio::ip::address{boost::asio::ip::address_v4::loopback()});
  CHECK_FALSE(memory_channel::make_pair(subject.ready()).first->peer_address());
}

TEST_CASE("a connection that comes after a quiet hour comes now, and not when something last happened") {
  using boost::asio::ip::tcp;
  time::manual_clock clock;
  loop subject{clock, loop::drive::by_hand};
  std::vector<time::instant> came;
  const tcp::endpoint anywhere{boost::asio::ip::address_v4::loopback(), 0};
  const auto listening =
      acceptor::open(subject, anywhere, false, [&](std::unique_ptr<channel>) { came.push_back(subject.now()); });
  REQUIRE(listening.has_value());
  (*listening)->start();
  clock.advance(1h);
  boost::asio::io_context apart;
  tcp::socket far{apart};
  far.connect((*listening)->local_endpoint());
  subject.context().run_one();
  REQUIRE(came.size() == 1);
  CHECK(came.front() == clock.now());
  (*listening)->close();
}

TEST_CASE_FIXTURE(support::loop_fixture, "what another thread posts runs on the loop") {
  int ran = 0;
  std::thread{[&] { loop.post([&] { ++ran; }); }}.join();
  settle();
  CHECK(ran == 1);
}

}  // namespace
