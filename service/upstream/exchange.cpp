#include "upstream/exchange.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>

#include "foundation/transport/next_stage.hpp"
#include "foundation/transport/text_cache.hpp"
#include "upstream/idle_limit.hpp"

namespace gateway::upstream {
namespace {

using transport::interest;
using transport::io_status;
using transport::task;
using transport::wake;

constexpr std::size_t read_step = 4096;

// A folded value is put together in the parser's own memory, where our views of it would dangle; RFC 9112 (section 5.2)
// has forbidden folding for long.
bool folded(std::string_view head) noexcept {
  for (auto at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at + 1))
    if (head.substr(at + 1).starts_with(' ') || head.substr(at + 1).starts_with('\t')) return true;
  return false;
}

// The status line of a 2xx, "HTTP/1.1 200 ...": asked before parsing, because it decides whether a body follows.
bool opens_tunnel(std::string_view head) noexcept {
  return head.size() > 9 && head.starts_with("HTTP/1.") && head[8] == ' ' && head[9] == '2';
}

// Beast takes shapes of which two readers may find two ends. Where an answer ends is where the next one begins, so
// nothing that is ambiguous is taken (RFC 9112, section 6.3).
std::string_view framing_fault(const http::answer_head& head) noexcept {
  const auto lengths = head.fields.count(http::field::content_length);
  const auto codings = head.fields.count(http::field::transfer_encoding);
  if (lengths > 1) return "the answer has more than one Content-Length";
  if (codings == 0) return {};
  const bool only_chunked =
      codings == 1 && boost::beast::iequals(*head.fields.get(http::field::transfer_encoding), "chunked");
  if (!only_chunked || head.version < 11) return "the answer has a Transfer-Encoding that is not exactly chunked";
  if (lengths > 0) return "the answer has both a Content-Length and a Transfer-Encoding";
  return {};
}

// The answer's side of one exchange. No coroutine: who waits for it is one, and has the only frame (seven of them, for
// its steps, cost a creation 1,300 instructions and most of the cache lines that it touched; callgrind, perf).
class reader {
 public:
  reader(transport::channel& connection, const http::parse_limits& limits, answer& into, exchange_result& result,
         asking what)
      : connection_{connection}, limits_{limits}, into_{into}, result_{result}, asking_{what} {
    into_.received.clear();
    into_.decoded.clear();
    into_.body = {};
    into_.keep_alive = into_.surplus = false;
    into_.keeps_idle_for.reset();
  }

  // Tries to read, and says what to wait for before the next try. Nothing: it is for `take` now.
  std::optional<interest> read() {
    const auto got = try_read();
    switch (got.status) {
      case io_status::want_read:
        return interest::read;
      case io_status::want_write:
        return interest::write;
      case io_status::done:
        result_.heard = true;
        break;
      case io_status::end:
        end_of_stream();
        over_ = true;
        break;
      case io_status::failed:
        cut_off();
        over_ = true;
        break;
    }
    return std::nullopt;
  }

  // True: that was all, and the result says how it ended.
  bool take() { return over_ || take_what_came(); }

 private:
  enum class part : std::uint8_t { head, sized, chunked, until_close };

  // True: it is over.
  bool take_what_came() {
    switch (at_) {
      case part::head:
        return take_head();
      case part::sized:
        return take_sized();
      case part::chunked:
        return take_chunked();
      case part::until_close:
        return take_until_close();
    }
    return true;
  }

  bool take_head() {
    for (;;) {
      const auto bytes = std::string_view{into_.received}.substr(begin_);
      const auto end = http::end_of_head(bytes, searched_);
      if (!end || *end > limits_.head) {
        searched_ = bytes.size();
        return searched_ > limits_.head &&
               refuse("the answer's header is larger than " + std::to_string(limits_.head) + " bytes");
      }
      body_at_ = begin_ + *end;
      if (const auto fault = parse(bytes.substr(0, *end)); !fault.empty()) return refuse(fault);
      if (into_.head.status >= 200) {
        into_.keeps_idle_for = kept_idle_for(into_.head);
        return begin_body();
      }
      begin_ = body_at_;  // an interim answer: the real one follows
      searched_ = 0;
      if (begin_ > limits_.head) return refuse("too many interim answers");
    }
  }

  // What makes the head unusable; empty: nothing.
  std::string_view parse(std::string_view head) {
    if (folded(head)) return "the answer's header has folded lines";
    parser_.emplace(limits_, into_.head);
    const bool tunnel = asking_ == asking::tunnel && opens_tunnel(head);
    if (tunnel) parser_->expect_no_body();
    const auto parsed = parser_->read_head(head);
    if (!parsed)
      return parsed.error() == http::parse_error::too_many_fields ? "the answer has too many header fields"
                                                                  : "the answer is not HTTP/1.1";
    if (into_.head.status == 101) return "the answer switches to a protocol that nobody asked for";
    return tunnel ? std::string_view{} : framing_fault(into_.head);
  }

  bool begin_body() {
    switch (into_.head.body) {
      case http::framing::none:
        return finish(into_.received.size() == body_at_, {});
      case http::framing::length:
        if (into_.head.content_length > limits_.body) return refuse_body();
        at_ = part::sized;
        break;
      case http::framing::chunked:
        taken_ = body_at_;
        at_ = part::chunked;
        break;
      case http::framing::until_close:
        at_ = part::until_close;
        break;
    }
    return take_what_came();
  }

  bool take_sized() {
    const auto length = static_cast<std::size_t>(into_.head.content_length);
    const auto there = into_.received.size() - body_at_;
    return there >= length && finish(there == length, std::string_view{into_.received}.substr(body_at_, length));
  }

  bool take_chunked() {
    const auto used = parser_->read_chunked(std::string_view{into_.received}.substr(taken_), into_.decoded);
    if (!used)
      return used.error() == http::parse_error::body_too_large ? refuse_body()
                                                               : refuse("the answer's chunks are malformed");
    taken_ += *used;
    if (parser_->finished()) return finish(taken_ == into_.received.size(), into_.decoded);
    return into_.received.size() - body_at_ > 2 * limits_.body + limits_.head && refuse_body();
  }

  bool take_until_close() { return into_.received.size() - body_at_ > limits_.body && refuse_body(); }

  void end_of_stream() {
    if (at_ == part::until_close) {
      finish(true, std::string_view{into_.received}.substr(body_at_));
      into_.keep_alive = false;
    } else if (at_ == part::head) {
      fail(exchange_end::lost, "the server closed the connection without an answer");
    } else {
      fail(exchange_end::lost, "the server closed the connection in the middle of an answer");
    }
  }

  transport::io_result try_read() {
    const auto before = into_.received.size();
    if (before == 0 && connection_.hand_over(into_.received)) return {io_status::done, into_.received.size()};
    if (before == 0) transport::text_cache::take(into_.received);
    const char* const old_place = into_.received.data();
    transport::io_result got;
    into_.received.resize_and_overwrite(std::max(into_.received.capacity(), before + read_step),
                                        [&](char* bytes, std::size_t size) {
                                          got = connection_.try_read({bytes + before, size - before});
                                          return before + got.bytes;
                                        });
    move_views(old_place);
    if (into_.received.empty()) transport::text_cache::give(into_.received);  // it is for those who have something
    return got;
  }

  // The memory may have moved: what the head's fields point to moves with it.
  void move_views(const char* old_place) {
    if (old_place == into_.received.data() || body_at_ == 0) return;
    into_.head.fields.rebase(old_place, into_.received.data());
  }

  // Not inlined: its text would have a place in the frame.
  [[gnu::noinline]] void cut_off() {
    fail(exchange_end::lost, connection_.reason());
    result_.unprocessed = connection_.unprocessed();
  }
  void fail(exchange_end end, std::string_view reason) {
    result_.end = end;
    result_.reason = reason.empty() ? std::string_view{"the connection was lost"} : reason;
  }
  bool refuse(std::string_view reason) {
    fail(exchange_end::unusable, reason);
    return true;
  }
  bool refuse_body() { return refuse("the answer's body is larger than " + std::to_string(limits_.body) + " bytes"); }
  bool finish(bool exact, std::string_view body) {
    into_.surplus = !exact;
    into_.keep_alive = into_.head.keep_alive && exact;
    into_.body = body;
    result_.end = exchange_end::answered;
    return true;
  }

  transport::channel& connection_;
  const http::parse_limits& limits_;
  answer& into_;
  exchange_result& result_;
  const asking asking_;
  part at_ = part::head;
  bool over_ = false;  // nothing more can come
  std::optional<http::answer_parser> parser_;
  std::size_t begin_ = 0;     // of the head
  std::size_t searched_ = 0;  // for its end
  std::size_t body_at_ = 0;
  std::size_t taken_ = 0;  // of a chunked body
};

// The request's side: its bytes are put, and then sent.
class writer {
 public:
  writer(transport::channel& connection, std::string_view request, exchange_result& result) noexcept
      : connection_{connection}, rest_{request}, result_{result} {}

  // Goes as far in one of the steps as it can without waiting, and says what to wait for. Nothing: the step is done.
  std::optional<interest> step() { return rest_.empty() ? flush() : put(); }
  // It is sent, or the result says why not.
  bool over() const noexcept { return over_; }

 private:
  std::optional<interest> put() {
    while (!rest_.empty()) {
      const auto moved = connection_.put(rest_);
      if (moved.status != io_status::done) return wait_for(moved.status);
      rest_.remove_prefix(moved.bytes);
    }
    return std::nullopt;
  }
  std::optional<interest> flush() {
    const auto status = connection_.flush().status;
    if (status != io_status::done) return wait_for(status);
    over_ = result_.sent = true;
    return std::nullopt;
  }
  std::optional<interest> wait_for(io_status status) {
    if (status == io_status::want_read) return interest::read;
    if (status == io_status::want_write) return interest::write;
    result_.reason = connection_.reason();
    over_ = true;
    return std::nullopt;
  }

  transport::channel& connection_;
  std::string_view rest_;
  exchange_result& result_;
  bool over_ = false;
};

// The wait for the server ended otherwise than by its doing. (Not inlined: its texts would have places in the frame.)
[[gnu::noinline]] void give_up(exchange_result& result, wake why, std::string_view too_late) {
  result.end = why == wake::timed_out ? exchange_end::timed_out : exchange_end::lost;
  result.reason = why == wake::timed_out ? too_late : std::string_view{"cancelled"};
}

}  // namespace

std::string_view to_string(exchange_end end) noexcept {
  switch (end) {
    case exchange_end::answered:
      return "answered";
    case exchange_end::lost:
      return "lost";
    case exchange_end::timed_out:
      return "timed_out";
    case exchange_end::unusable:
      return "unusable";
  }
  return "lost";
}

task<exchange_result> exchange(transport::loop& loop, transport::channel& connection, std::string_view request,
                               const http::parse_limits& limits, answer& into, time::instant deadline, asking what,
                               sending how) {
  exchange_result result;
  const auto send_by = std::min(deadline, how.by);
  // Not the turn's time: a permit may be of use for some milliseconds only.
  if (loop.clock().now() >= send_by) {
    give_up(result, wake::timed_out, "there was no time left to send the request");
    co_return result;
  }
  transport::watchdog guard{connection.ready()};
  guard.set(loop.deadlines(), send_by);
  result.begun = true;
  for (writer sends{connection, request, result}; !sends.over();) {
    if (const auto what_for = sends.step()) {
      const auto woken = co_await connection.ready().wait(*what_for);
      if (woken == wake::ready) continue;
      give_up(result, woken, "the request could not be sent in time");
      break;
    }
    if (!sends.over()) co_await transport::next_stage{loop.ready()};
  }
  if (result.sent) {
    if (how.observer != nullptr) how.observer->sent();
    result.sent_at = loop.now();
    if (send_by != deadline) guard.set(loop.deadlines(), deadline);
    reader answers{connection, limits, into, result, what};
    for (;;) {
      if (const auto what_for = answers.read()) {
        const auto woken = co_await connection.ready().wait(*what_for);
        if (woken != wake::ready) {
          give_up(result, woken, "no answer in time");
          break;
        }
        connection.fetch();
        co_await transport::next_stage{loop.ready()};
        continue;
      }
      co_await transport::next_stage{loop.ready()};
      if (answers.take()) break;
    }
  }
  guard.stop();
  co_return result;
}

}  // namespace gateway::upstream
