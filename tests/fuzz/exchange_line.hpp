#pragma once
// One exchange whose server says what the fuzzer says, in pieces of a size, and what is heard of it.
#include "foundation/transport/memory.hpp"
#include "fuzz/expect.hpp"
#include "support/memory_peer.hpp"
#include "upstream/exchange.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace gateway::fuzz {

inline constexpr http::parse_limits exchange_limits{.head = 1024, .body = 512};

struct heard {
  upstream::exchange_end end = upstream::exchange_end::lost;
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  bool keep_alive = false;
  bool surplus = false;
};

// In one piece and in small ones.
inline void expect_the_same(const heard& whole, const heard& cut) {
  expect(whole.end == cut.end, "the end does not depend on how the bytes were cut");
  expect(whole.status == cut.status, "the status does not depend on how the bytes were cut");
  expect(whole.fields == cut.fields, "the header does not depend on how the bytes were cut");
  expect(whole.body == cut.body, "the body does not depend on how the bytes were cut");
  if (!whole.surplus) expect(whole.keep_alive == cut.keep_alive, "the connection is kept in both cases");
}

class exchange_line {
 public:
  virtual ~exchange_line() = default;

  heard hear(std::string_view bytes, std::size_t piece) {
    auto [mine, theirs] = transport::memory_channel::make_pair(loop_.ready(), 1 << 20);
    support::memory_peer server{std::move(theirs)};
    upstream::answer got;
    std::optional<upstream::exchange_result> result;
    const auto channel = over(std::move(mine), server);
    loop_.spawn(run(loop_, *channel, got, result));
    settle();
    while (!bytes.empty() && !result) {
      server.say(bytes.substr(0, piece));
      bytes.remove_prefix(std::min(piece, bytes.size()));
      settle();
    }
    server.channel().finish();
    settle();
    expect(result.has_value(), "an exchange ends when the server has closed");
    return told(*result, got);
  }

 protected:
  // What the exchange is made over.
  virtual std::unique_ptr<transport::channel> over(std::unique_ptr<transport::channel> connection,
                                                   support::memory_peer& server) = 0;
  transport::loop& loop() noexcept { return loop_; }
  // As loop::turn does, without asking the kernel, which knows of none of this.
  void settle() { loop_.ready().run_all(); }

 private:
  static transport::task<> run(transport::loop& loop, transport::channel& connection, upstream::answer& got,
                               std::optional<upstream::exchange_result>& result) {
    constexpr std::string_view request = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
    result = co_await upstream::exchange(loop, connection, request, exchange_limits, got,
                                         loop.now() + std::chrono::seconds{10});
  }
  static heard told(const upstream::exchange_result& result, const upstream::answer& got) {
    heard all;
    all.end = result.end;
    expect(result.sent, "the request was sent");
    expect((result.end == upstream::exchange_end::answered) == result.reason.empty(), "what went wrong is said");
    if (result.end != upstream::exchange_end::answered) return all;
    all.status = got.head.status;
    all.body = got.body;
    all.keep_alive = got.keep_alive;
    all.surplus = got.surplus;
    for (const auto& f : got.head.fields.all()) all.fields.emplace_back(f.name, f.value);
    expect(all.status >= 200 && all.status < 1000, "an answer has a final status");
    expect(all.body.size() <= exchange_limits.body, "a body is bounded");
    expect(!(all.surplus && all.keep_alive), "a connection on which more came than the answer is not used again");
    return all;
  }

  time::manual_clock clock_;
  transport::loop loop_{clock_, transport::loop::drive::by_hand};
};

}  // namespace gateway::fuzz
