// Batches: lines in, answers out, the lowest weight, and what is left of one that was cut.
#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "admission/key.hpp"
#include "flow/podero_world.hpp"
#include "foundation/http/chunks.hpp"

namespace {

using namespace gateway;
using namespace gateway::flow;
using namespace std::chrono_literals;

std::string user_of(std::size_t number, char first = 'a') {
  auto digits = std::to_string(number);
  digits.insert(0, 12 - digits.size(), '0');
  return std::string(1, first) + "169451c-8525-4352-b8ca-" + digits;
}

std::string body_of(std::size_t number, char first = 'a') {
  std::string body{example_body};
  return body.replace(body.find("a169451c"), 36, user_of(number, first));
}

std::string line_of(std::size_t number) {
  return R"({"idempotency_key":"invitation-)" + std::to_string(number) + R"(","body":)" + body_of(number) + "}\n";
}

std::string lines_of(std::size_t how_many) {
  std::string all;
  for (std::size_t i = 1; i <= how_many; ++i) all += line_of(i);
  return all;
}

std::string head_of(std::size_t length, std::string_view more = "", std::string_view version = "1.1") {
  return "POST /v1/accounts/sandbox/onboarding-sessions/batch HTTP/" + std::string{version} +
         "\r\nHost: g\r\nContent-Type: application/x-ndjson\r\n" + std::string{more} +
         "Content-Length: " + std::to_string(length) + "\r\n\r\n";
}

std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

// A caller with a batch: sends what there is room for, reads what has come.
class sender {
 public:
  sender(podero_world& p, std::string bytes) : wire_{p.w.connect()}, rest_{std::move(bytes)} {}

  void send() {
    std::size_t put = 0;
    while (put < rest_.size()) {
      const auto got = wire_.try_say({rest_.data() + put, rest_.size() - put});
      if (got.status != transport::io_status::done) break;
      put += got.bytes;
    }
    rest_.erase(0, put);
  }
  void hear() { raw_ += wire_.heard(); }
  void step() {
    send();
    hear();
  }
  void leave() { wire_.leave(); }
  std::size_t unsent() const { return rest_.size(); }
  const std::string& raw() const { return raw_; }
  bool ended() const { return wire_.ended(); }
  // The body so far, without its chunks.
  std::string body() const {
    const auto head = raw_.find("\r\n\r\n");
    if (head == std::string::npos) return {};
    http::chunk_reader chunks;
    chunks.limit(static_cast<std::size_t>(-1));
    std::string out;
    CHECK(chunks.read(std::string_view{raw_}.substr(head + 4), out).has_value());
    return out;
  }
  bool finished() const { return raw_.ends_with("\r\n0\r\n\r\n"); }

 private:
  support::memory_peer wire_;
  std::string rest_;
  std::string raw_;
};

void run_to_the_end(podero_world& p, sender& s, time::duration step = 10ms, int most = 100'000) {
  for (int i = 0; i < most && !s.finished(); ++i) {
    s.step();
    p.w.advance(step);
    s.hear();
  }
  CHECK(s.finished());
}

// The access log's line of the batch; empty: there is none yet.
std::string request_line(podero_world& p) {
  const auto logged = p.w.logged();
  const auto at = logged.find(R"("msg":"request")");
  if (at == std::string::npos) return {};
  const auto begin = logged.rfind('\n', at) + 1;
  return logged.substr(begin, logged.find('\n', at) - begin);
}

std::string limited(std::string_view sessions, std::string_view queue = "{ length: 100, max_wait: 5s }") {
  return plain_configuration() + "    limits: { sessions: " + std::string{sessions} + ", queue: " + std::string{queue} +
         " }\n";
}

TEST_CASE("every line of a batch has its answer, a broken one its problem, and a summary comes last") {
  podero_world p;
  std::string bytes = line_of(1);
  bytes += "not json\n\r\n";  // 2, and 3 is empty
  bytes += R"({"idempotency_key":"k4","body":{"language":"de"}})"
           "\n";  // faults of the body
  bytes += R"({"idempotency_key":"k5"})"
           "\n";  // no body
  bytes += R"({"idempotencykey":"k6","body":{}})"
           "\n";                                                                    // a key that is none
  bytes += "{\"idempotency_key\":\"k7\",\"body\":{\"language\":\"\xff\"}}\n";       // not UTF-8
  bytes += R"({"idempotency_key":"","body":)" + body_of(8) + "}\r\n";               // no key either
  bytes += std::string(70'000, 'x') + "\n";                                         // 9
  bytes += R"({"body": )" + body_of(10) + R"( , "idempotency_\u006bey" : "k10"})";  // no line end
  sender s{p, head_of(bytes.size()) + bytes};
  run_to_the_end(p, s);
  const auto got = s.body();
  CAPTURE(got);
  CHECK(got.contains(R"({"line":1,"status":201,"body":{)"));
  CHECK(got.contains(R"({"line":2,"status":400,"problem":{"type":"/problems/malformed-request")"));
  CHECK_FALSE(got.contains(R"("line":3)"));
  CHECK(got.contains(R"({"line":4,"status":422,)"));
  CHECK(got.contains(R"("#/success_url")"));
  CHECK(got.contains(R"({"line":5,"status":422,)"));
  CHECK(got.contains(R"({"line":6,"status":422,)"));
  CHECK(got.contains(R"({"line":7,"status":400,)"));
  CHECK(got.contains(R"({"line":8,"status":400,)"));
  CHECK(got.contains(R"({"line":9,"status":413,)"));
  CHECK(got.contains(R"({"line":10,"status":201,"body":{)"));
  CHECK(got.ends_with(R"({"summary":{"lines":9,"created":2,"reused":0,"replayed":0,"failed":7,"complete":true}})"
                      "\n"));
  CHECK(count_of(s.raw(), "HTTP/1.1 ") == 1);
  CHECK(s.raw().contains("Content-Type: application/x-ndjson\r\n"));
  CHECK(p.creations() == 2);
  s.leave();
  const auto line = request_line(p);
  CHECK(line.contains(R"("level":"info")"));
  CHECK(line.contains(R"("code":200,"effect":"created","lines":9,"created":2,"reused":0,"replayed":0,"failed":7,)"
                      R"("complete":true,"duration_ms":)"));
}

TEST_CASE("the log's line of a batch that was left shows what its lines came to, and warns of those that failed") {
  podero_world p{limited("[ { rate: 2, per: 1h } ]")};
  p.always = [](simulator::response& r) { r.status = 500; };
  const auto bytes = lines_of(50);
  sender s{p, head_of(bytes.size()) + bytes};
  for (int i = 0; i < 100; ++i) {
    s.step();
    p.w.advance(10ms);
  }
  CHECK(request_line(p).empty());
  s.leave();
  p.w.advance(1s);
  const auto line = request_line(p);
  CHECK(line.contains(R"("level":"warn")"));
  CHECK(line.contains(R"("code":200,"effect":"unknown",)"));
  CHECK(line.contains(
      R"("caller_left":true,"lines":2,"created":0,"reused":0,"replayed":0,"failed":2,"complete":false,)"));
}

TEST_CASE("a preference for all lines is named in the answer's header") {
  podero_world p;
  const auto bytes = lines_of(1);
  sender s{p, head_of(bytes.size(), "Prefer: reuse=no, wait=3\r\n") + bytes};
  run_to_the_end(p, s);
  CHECK(s.raw().contains("\r\nPreference-Applied: reuse=no\r\n"));
  s.leave();
  sender without{p, head_of(bytes.size()) + bytes};
  run_to_the_end(p, without);
  CHECK_FALSE(without.raw().contains("Preference-Applied"));
  without.leave();
}

TEST_CASE("a batch is answered with lines to those who accept them") {
  podero_world p;
  const auto status_of = [&](std::string_view accept) {
    const auto head = head_of(0, "Accept: " + std::string{accept} + "\r\n");
    sender s{p, head};
    s.step();
    p.w.settle();
    s.hear();
    s.leave();
    return s.raw().substr(9, 3);
  };
  CHECK(status_of("application/json;q=0, */*") == "200");
  CHECK(status_of("application/json") == "200");
  CHECK(status_of("application/x-ndjson;q=0") == "406");
  CHECK(status_of("application/x-ndjson;q=0, */*") == "406");
}

TEST_CASE("an answer is one line, also where Podero writes its JSON over several") {
  podero_world p;
  p.always = [](simulator::response& r) {
    for (auto at = r.body.find(",\""); at != std::string::npos; at = r.body.find(",\"", at + 1))
      r.body.insert(at + 1, "\r\n  ");
  };
  const auto bytes = lines_of(2);
  sender s{p, head_of(bytes.size()) + bytes};
  run_to_the_end(p, s);
  const auto got = s.body();
  CAPTURE(got);
  CHECK(got.contains(R"("status":201,"body":{)"));
  CHECK(count_of(got, "\n") == 3);
  CHECK(count_of(got, "\n{") == 2);
  CHECK_FALSE(got.contains('\r'));
  s.leave();
}

TEST_CASE("lines that come in chunks of one byte are the same lines, and 1.0 gets no chunks") {
  podero_world p;
  std::string chunked =
      "POST /v1/accounts/sandbox/onboarding-sessions/batch HTTP/1.1\r\nHost: g\r\n"
      "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char c : lines_of(2)) chunked += std::string{"1\r\n"} + c + "\r\n";
  sender s{p, chunked + "0\r\n\r\n"};
  run_to_the_end(p, s);
  CHECK(s.body().contains(R"("created":2,)"));
  s.leave();
  const auto bytes = lines_of(3);
  sender old{p, head_of(bytes.size(), "", "1.0") + bytes};
  for (int i = 0; i < 100 && !old.ended(); ++i) {
    old.step();
    p.w.advance(10ms);
  }
  CHECK(old.ended());
  CHECK_FALSE(old.raw().contains("Transfer-Encoding"));
  CHECK(old.raw().contains(R"("created":1,"reused":0,"replayed":2,)"));
  CHECK(p.creations() == 3);
  old.leave();
}

TEST_CASE("one key twice in a batch makes one session, and with another body it is refused") {
  podero_world p;
  auto other = line_of(1);
  other.replace(other.find("a169451c"), 1, "b");
  const auto bytes = line_of(1) + line_of(1) + other;
  sender s{p, head_of(bytes.size()) + bytes};
  run_to_the_end(p, s);
  CHECK(s.body().contains(R"("created":1,"reused":0,"replayed":1,"failed":1,)"));
  CHECK(s.body().contains("/problems/idempotency-key-reused"));
  CHECK(s.body().contains(R"("errors":[{"pointer":"#/idempotency_key","code":"reused",)"));
  CHECK(p.creations() == 1);
  s.leave();
}

TEST_CASE("an account that requires keys refuses the line without one, and a batch has none of its own") {
  podero_world p{plain_configuration() + "    require_idempotency_key: true\n"};
  const auto bytes = R"({"body":)" + body_of(1) + "}\n";
  sender s{p, head_of(bytes.size()) + bytes};
  run_to_the_end(p, s);
  CHECK(s.body().contains("/problems/idempotency-key-missing"));
  CHECK(p.creations() == 0);
  s.leave();
  const auto refused = p.w.ask(head_of(0, "Idempotency-Key: k\r\n"));
  CHECK(refused.status == 400);
  CHECK(p.w.ask("POST /v1/accounts/sandbox/onboarding-sessions/batch HTTP/1.1\r\nHost: g\r\n"
                "Content-Type: application/json\r\nContent-Length: 0\r\n\r\n")
            .status == 415);
}

TEST_CASE("a batch longer than any queue is not refused: its lines wait outside") {
  podero_world p{limited("[ { rate: 5, per: 1s } ]", "{ length: 1, max_wait: 0s }")};
  const auto bytes = lines_of(40);
  sender s{p, head_of(bytes.size()) + bytes};
  run_to_the_end(p, s);
  CHECK(s.body().contains(R"("created":40,)"));
  CHECK(s.body().contains(R"("failed":0,"complete":true)"));
  CHECK(p.podero.log().busiest(simulator::operation::create, 1s) <= 5);
  s.leave();
}

TEST_CASE("who does not read the answers stops the drawing, and goes on where it stopped") {
  podero_world p;
  constexpr std::size_t many = 2000;
  const auto bytes = lines_of(many);
  sender s{p, head_of(bytes.size()) + bytes};
  std::uint64_t before = 0;
  for (int i = 0; i < 200; ++i) {
    s.send();
    p.w.advance(10ms);
    before = p.creations();
  }
  CHECK(before < 800);
  CHECK(s.unsent() > bytes.size() / 3);
  for (int i = 0; i < 100; ++i) {
    s.send();
    p.w.advance(10ms);
  }
  CHECK(p.creations() == before);
  run_to_the_end(p, s);
  CHECK(s.body().contains(R"("created":2000,)"));
  s.leave();
}

TEST_CASE("a batch that is cut midway and sent again creates no session twice") {
  podero_world p{limited("[ { rate: 50, per: 1s } ]")};
  std::map<std::string, int> made;
  p.look = [&](const simulator::request& r) {
    if (r.method == "POST") ++made[text_of(r.body, "user_id")];
  };
  constexpr std::size_t many = 200;
  const auto bytes = lines_of(many);
  std::size_t sent_at_cut = 0;
  {
    sender s{p, head_of(bytes.size()) + bytes};
    for (int i = 0; i < 200; ++i) {
      s.step();
      p.w.advance(10ms);
    }
    s.leave();
    sent_at_cut = made.size();
    CHECK(sent_at_cut > 20);
    CHECK(sent_at_cut < many);
    for (int i = 0; i < 200; ++i) p.w.advance(10ms);
    CHECK(made.size() <= sent_at_cut + 1);  // nothing else is begun
  }
  sender again{p, head_of(bytes.size()) + bytes};
  run_to_the_end(p, again);
  CHECK(count_of(again.body(), R"("status":201)") == many);
  CHECK(again.body().contains(R"("failed":0,"complete":true)"));
  CHECK(made.size() == many);
  for (const auto& [user, times] : made) CHECK_MESSAGE(times == 1, user);
  again.leave();
}

TEST_CASE("a drain begins no further line and says so") {
  podero_world p{limited("[ { rate: 1, per: 1s } ]")};
  const auto bytes = lines_of(20);
  sender s{p, head_of(bytes.size()) + bytes};
  for (int i = 0; i < 300; ++i) {
    s.step();
    p.w.advance(10ms);
  }
  const auto before = p.creations();
  CHECK(before >= 2);
  p.w.gateway->hand_back();
  p.w.gateway->drain(0);
  run_to_the_end(p, s);
  CHECK(p.creations() == before);
  CHECK(s.body().contains(R"("lines":)" + std::to_string(before) + ","));
  CHECK(s.body().contains(R"("complete":false,"problem":{"type":"/problems/draining")"));
  s.leave();
  p.w.settle();
  CHECK(p.w.gateway->drained());
}

TEST_CASE("a stream that stands still is ended, and one that we hold up is not") {
  podero_world p{limited("[ { rate: 1, per: 1m } ]")};
  const auto bytes = lines_of(3);
  sender held_up{p, head_of(bytes.size()) + bytes};
  run_to_the_end(p, held_up, 500ms);
  CHECK(held_up.body().contains(R"("created":3,)"));
  held_up.leave();
  sender still{p, head_of(bytes.size()) + line_of(1) + "{"};
  run_to_the_end(p, still, 500ms);
  CHECK(still.body().contains(R"("replayed":1,)"));
  CHECK(still.body().contains("/problems/request-timeout"));
  still.leave();
}

// GATEWAY_BATCH_LINES=10000 for the whole campaign.
TEST_CASE("a batch has 98 % of the allowed throughput, and nobody waits behind more than one of its permits") {
  const auto* const wanted = std::getenv("GATEWAY_BATCH_LINES");
  const std::size_t many = wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 1500;
  std::string digest;
  for (const auto byte : admission::digest_of("example-key-of-somebody-not-real")) {
    std::array<char, 3> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", static_cast<unsigned>(byte));
    digest += hex.data();
  }
  podero_world p{limited("[ { rate: 600, per: 1m } ]") + "callers:\n  somebody: { accounts: [sandbox], key_sha256: [ " +
                 digest +
                 " ] }\n  campaign: { weight: 100, accounts: [sandbox], key_sha256: [ "
                 "fb70a93b69c9577a98c3bfa0924ccdc33cbca2988dd72a5ebee6512c0551e6fa ] }\n"};
  std::size_t of_batch = 0;
  std::size_t interactive = 0;
  std::optional<std::size_t> behind;  // the interactive one's request has come to Podero: batch lines until then
  p.look = [&](const simulator::request& r) {
    if (r.method != "POST") return;
    if (text_of(r.body, "user_id").starts_with('f')) {
      ++interactive;
      behind = of_batch;
    } else {
      ++of_batch;
    }
  };
  const auto bytes = lines_of(many);
  sender s{p, head_of(bytes.size(), "Authorization: Bearer example-key-one\r\n") + bytes};
  const auto began = p.w.clock.now();
  std::size_t asked = 0;
  std::size_t most_behind = 0;
  time::duration longest{0};
  for (int tick = 0; tick < 10'000'000 && !s.finished(); ++tick) {
    s.step();
    p.w.advance(10ms);
    if (tick % 211 != 210) continue;
    // The two callers by turns: the batch's own has no better place for its own requests.
    const auto key = ++asked % 2 == 0 ? "example-key-one" : "example-key-of-somebody-not-real";
    auto caller = p.w.connect();
    const auto at = of_batch;
    const auto asked_at = p.w.clock.now();
    behind.reset();
    CHECK(caller.say(example_creation("Authorization: Bearer " + std::string{key} + "\r\n", body_of(asked, 'f'))));
    std::optional<answer> got;
    while (!got && p.w.clock.now() - asked_at < 10s) {
      p.w.advance(10ms);
      s.step();
      got = p.w.heard(caller);
    }
    REQUIRE(got.has_value());
    CHECK(got->status == 201);
    REQUIRE(behind.has_value());
    most_behind = std::max(most_behind, *behind - at);
    longest = std::max<time::duration>(longest, p.w.clock.now() - asked_at);
    caller.leave();
  }
  const auto seconds = std::chrono::duration<double>(p.w.clock.now() - began).count();
  const auto allowed = 600 / 60.1;
  const auto share = static_cast<double>(of_batch + interactive) / seconds / allowed;
  MESSAGE(of_batch << " lines and " << interactive << " other creations in " << seconds << " s: " << share * 100
                   << " % of the allowed " << allowed << " per second; at most " << most_behind
                   << " lines before another, which waited at most "
                   << std::chrono::duration_cast<std::chrono::milliseconds>(longest).count() << " ms");
  CHECK(s.body().contains("\"created\":" + std::to_string(many) + ","));
  CHECK(share >= 0.98);
  CHECK(most_behind <= 1);
  CHECK(longest <= 300ms);
  CHECK(p.podero.log().busiest(simulator::operation::create, 1min) <= 600);
  s.leave();
}

}  // namespace
