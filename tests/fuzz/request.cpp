// Any bytes as what a caller sends over one connection, through the real server: in one piece and in small ones they
// are the same requests and get the same answers, and they are the requests that RFC 9112 sees in them.
#include "foundation/transport/memory.hpp"
#include "fuzz/expect.hpp"
#include "fuzz/plain_reading.hpp"
#include "listener/server.hpp"
#include "support/memory_peer.hpp"

#include <algorithm>

namespace {

using namespace gateway;
using fuzz::expect;

// So that the ids made for requests are the same in both runs.
class same_bytes final : public random::source {
 public:
  void fill(std::span<std::byte> into) override { std::ranges::fill(into, std::byte{0x42}); }
};

// Refuses some at their head; answers the others with their body.
class recorder final : public listener::handler {
 public:
  struct seen {
    std::string method;
    std::string target;
    std::string body;
    bool whole = false;
    friend bool operator==(const seen&, const seen&) = default;
  };

  std::unique_ptr<listener::scratch> make_scratch() override { return std::make_unique<listener::scratch>(); }
  std::size_t on_head(listener::exchange& x) override {
    requests.push_back({std::string{x.head.method_text}, std::string{x.head.target}, {}});
    if (x.head.target.starts_with("/no")) {
      errors::failure f;
      f.id = errors::problem::forbidden;
      answer_with(x, f);
    }
    return 200;
  }
  transport::task<> on_request(listener::exchange& x) override {
    requests.back().body = x.body;
    requests.back().whole = true;
    x.reply.status = 200;
    x.reply.body = x.body;
    co_return;
  }
  void on_failure(const listener::exchange&, std::string_view) override { expect(false, "no request fails inside"); }
  void on_done(const listener::exchange& x, time::duration) override { statuses.push_back(x.reply.status); }

  std::vector<seen> requests;
  std::vector<unsigned> statuses;
};

struct outcome {
  std::vector<recorder::seen> requests;
  std::vector<unsigned> statuses;
  std::string answers;
  bool ended = false;
};

class house {
 public:
  outcome send(std::string_view bytes, std::size_t piece) {
    serves_.requests.clear();
    serves_.statuses.clear();
    auto [mine, theirs] = transport::memory_channel::make_pair(loop_.ready(), 1 << 20);
    server_.accept(std::move(theirs));
    settle();
    support::memory_peer peer{std::move(mine)};
    outcome all;
    while (!bytes.empty()) {
      if (!peer.say(bytes.substr(0, piece))) break;
      bytes.remove_prefix(std::min(piece, bytes.size()));
      settle();
      all.answers += peer.heard();
    }
    all.ended = peer.ended();
    all.requests = serves_.requests;
    all.statuses = serves_.statuses;
    peer.leave();
    settle();
    expect(loop_.spawned() == 0, "a connection that the caller has left is over");
    return all;
  }

 private:
  // As loop::turn does, without asking the kernel, which knows of none of this; until nobody has anything to do.
  void settle() {
    do {
      loop_.ready().run_all();
      loop_.deadlines().fire(loop_.now());
    } while (!loop_.ready().empty());
  }

  time::manual_clock clock_;
  transport::loop loop_{clock_, transport::loop::drive::by_hand};
  recorder serves_;
  same_bytes randomness_;
  listener::server server_{loop_, serves_, {.limits = {.head = 512, .target = 128}}, randomness_};
};

// Whether it is sent depends on whether the body had come already.
std::string without_continue(std::string text) {
  constexpr std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
  for (auto at = text.find(line); at != std::string::npos; at = text.find(line, at)) text.erase(at, line.size());
  return text;
}

// What was answered, without the words of the refusal at its end: what is wrong with a head is seen in another place
// when it is there only by half.
std::string without_words(const outcome& of) {
  auto text = without_continue(of.answers);
  if (!of.statuses.empty() && of.statuses.back() != 200 && of.statuses.back() != 403)
    text.erase(text.rfind("HTTP/1.1 4"));  // the 4: words may name the version
  return text;
}

// Which of its faults a head is refused for depends on how much of it is there; that it is refused does not.
std::vector<unsigned> without_reason(std::vector<unsigned> statuses) {
  if (!statuses.empty() && (statuses.back() == 414 || statuses.back() == 431)) statuses.back() = 400;
  return statuses;
}

void check_reading(const outcome& of, std::string_view bytes) {
  const auto plain = fuzz::read_plain_requests(bytes);
  for (std::size_t i = 0; i < of.requests.size(); ++i) {
    const auto& seen = of.requests[i];
    if (!seen.whole) continue;
    expect(i < plain.size(), "a request that was answered is one");
    expect(seen.method == plain[i].method && seen.target == plain[i].target,
           "a request begins where the last one ended");
    expect(seen.body == plain[i].body, "a body is what its framing says");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static house subject;
  auto bytes = fuzz::text_of(data, size);
  const std::size_t piece = 1 + fuzz::take_number(bytes) % 16;
  const auto whole = subject.send(bytes, std::max<std::size_t>(1, bytes.size()));
  const auto cut = subject.send(bytes, piece);
  check_reading(whole, bytes);
  expect(whole.requests == cut.requests, "the requests do not depend on how the bytes were cut");
  expect(without_reason(whole.statuses) == without_reason(cut.statuses),
         "the statuses do not depend on how the bytes were cut");
  expect(without_words(whole) == without_words(cut), "the answers do not depend on how the bytes were cut");
  expect(whole.ended == cut.ended, "the end of the connection does not depend on how the bytes were cut");
  return 0;
}
