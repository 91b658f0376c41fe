#include "upstream/exchange.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>

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
  return head.find("\n ") != std::string_view::npos || head.find("\n\t") != std::string_view::npos;
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

// The answer's side of one exchange.
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

  task<> run() {
    std::size_t begin = 0;
    for (;;) {
      const bool whole = co_await read_head(begin);
      if (!whole) co_return;
      http::answer_parser parser{limits_, into_.head};
      const auto head = std::string_view{into_.received}.substr(begin, body_at_ - begin);
      if (const auto fault = parse(parser, head); !fault.empty()) {
        refuse(std::string{fault});
        co_return;
      }
      if (into_.head.status >= 200) {
        into_.keeps_idle_for = kept_idle_for(into_.head);
        co_await read_body(parser);
        co_return;
      }
      begin = body_at_;  // an interim answer: the real one follows
      if (begin > limits_.head) {
        refuse("too many interim answers");
        co_return;
      }
    }
  }

 private:
  // What makes the head unusable; empty: nothing.
  std::string_view parse(http::answer_parser& parser, std::string_view head) {
    if (folded(head)) return "the answer's header has folded lines";
    const bool tunnel = asking_ == asking::tunnel && opens_tunnel(head);
    if (tunnel) parser.expect_no_body();
    const auto parsed = parser.read_head(head);
    if (!parsed)
      return parsed.error() == http::parse_error::too_many_fields ? "the answer has too many header fields"
                                                                  : "the answer is not HTTP/1.1";
    if (into_.head.status == 101) return "the answer switches to a protocol that nobody asked for";
    return tunnel ? std::string_view{} : framing_fault(into_.head);
  }

  task<bool> read_head(std::size_t begin) {
    std::size_t searched = 0;
    for (;;) {
      const auto bytes = std::string_view{into_.received}.substr(begin);
      const auto end = http::end_of_head(bytes, searched);
      if (end && *end <= limits_.head) {
        body_at_ = begin + *end;
        co_return true;
      }
      searched = bytes.size();
      if (searched > limits_.head) {
        refuse("the answer's header is larger than " + std::to_string(limits_.head) + " bytes");
        co_return false;
      }
      const bool more = co_await read_more();
      if (!more) {
        if (ended_) fail(exchange_end::lost, "the server closed the connection without an answer");
        co_return false;
      }
    }
  }

  task<> read_body(http::answer_parser& parser) {
    switch (into_.head.body) {
      case http::framing::none:
        finish(into_.received.size() == body_at_, {});
        co_return;
      case http::framing::length:
        co_await read_length();
        co_return;
      case http::framing::chunked:
        co_await read_chunked(parser);
        co_return;
      case http::framing::until_close:
        co_await read_until_close();
        co_return;
    }
  }

  task<> read_length() {
    if (into_.head.content_length > limits_.body) {
      refuse_body();
      co_return;
    }
    const auto length = static_cast<std::size_t>(into_.head.content_length);
    const auto start = body_at_;
    while (into_.received.size() - start < length) {
      const bool more = co_await read_more();
      if (!more) {
        if (ended_) fail(exchange_end::lost, "the server closed the connection in the middle of an answer");
        co_return;
      }
    }
    finish(into_.received.size() - start == length, std::string_view{into_.received}.substr(start, length));
  }

  task<> read_chunked(http::answer_parser& parser) {
    auto taken = body_at_;
    for (;;) {
      const auto used = parser.read_chunked(std::string_view{into_.received}.substr(taken), into_.decoded);
      if (!used) {
        if (used.error() == http::parse_error::body_too_large)
          refuse_body();
        else
          refuse("the answer's chunks are malformed");
        co_return;
      }
      taken += *used;
      if (parser.finished()) break;
      if (into_.received.size() - body_at_ > 2 * limits_.body + limits_.head) {
        refuse_body();
        co_return;
      }
      const bool more = co_await read_more();
      if (!more) {
        if (ended_) fail(exchange_end::lost, "the server closed the connection in the middle of an answer");
        co_return;
      }
    }
    finish(taken == into_.received.size(), into_.decoded);
  }

  task<> read_until_close() {
    for (;;) {
      if (into_.received.size() - body_at_ > limits_.body) {
        refuse_body();
        co_return;
      }
      const bool more = co_await read_more();
      if (!more) break;
    }
    if (!ended_) co_return;
    finish(true, std::string_view{into_.received}.substr(body_at_));
    into_.keep_alive = false;
  }

  // False: nothing more comes; `ended_` tells a good end from a failure, which is noted in the result.
  task<bool> read_more() {
    for (;;) {
      const auto got = try_read();
      if (got.status == io_status::done) {
        result_.heard = true;
        co_return true;
      }
      if (got.status == io_status::end || got.status == io_status::failed) {
        ended_ = got.status == io_status::end;
        if (!ended_) fail(exchange_end::lost, connection_.reason());
        co_return false;
      }
      const auto what = got.status == io_status::want_read ? interest::read : interest::write;
      const auto woken = co_await connection_.ready().wait(what);
      if (woken != wake::ready) {
        fail(woken == wake::timed_out ? exchange_end::timed_out : exchange_end::lost,
             woken == wake::timed_out ? "no answer in time" : "cancelled");
        co_return false;
      }
    }
  }

  transport::io_result try_read() {
    const auto before = into_.received.size();
    const char* const old_place = into_.received.data();
    transport::io_result got;
    into_.received.resize_and_overwrite(std::max(into_.received.capacity(), before + read_step),
                                        [&](char* bytes, std::size_t size) {
                                          got = connection_.try_read({bytes + before, size - before});
                                          return before + got.bytes;
                                        });
    move_views(old_place);
    return got;
  }

  // The memory may have moved: what the head's fields point to moves with it.
  void move_views(const char* old_place) {
    if (old_place == into_.received.data() || body_at_ == 0) return;
    into_.head.fields.rebase(old_place, into_.received.data());
  }

  void fail(exchange_end end, std::string reason) {
    result_.end = end;
    result_.reason = reason.empty() ? std::string{"the connection was lost"} : std::move(reason);
  }
  void refuse(std::string reason) { fail(exchange_end::unusable, std::move(reason)); }
  void refuse_body() { refuse("the answer's body is larger than " + std::to_string(limits_.body) + " bytes"); }
  void finish(bool exact, std::string_view body) {
    into_.surplus = !exact;
    into_.keep_alive = into_.head.keep_alive && exact;
    into_.body = body;
    result_.end = exchange_end::answered;
  }

  transport::channel& connection_;
  const http::parse_limits& limits_;
  answer& into_;
  exchange_result& result_;
  const asking asking_;
  std::size_t body_at_ = 0;
  bool ended_ = false;
};

task<bool> send_all(transport::channel& connection, std::string_view request, exchange_result& result) {
  std::size_t sent = 0;
  result.begun = true;
  while (sent < request.size()) {
    const auto put = connection.try_write(std::span{request}.subspan(sent));
    if (put.status == io_status::done) {
      sent += put.bytes;
      continue;
    }
    if (put.status == io_status::failed || put.status == io_status::end) {
      result.reason = connection.reason();
      co_return false;
    }
    const auto what = put.status == io_status::want_read ? interest::read : interest::write;
    const auto woken = co_await connection.ready().wait(what);
    if (woken != wake::ready) {
      result.end = woken == wake::timed_out ? exchange_end::timed_out : exchange_end::lost;
      result.reason = woken == wake::timed_out ? "the request could not be sent in time" : "cancelled";
      co_return false;
    }
  }
  result.sent = true;
  co_return true;
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
    result.end = exchange_end::timed_out;
    result.reason = "there was no time left to send the request";
    co_return result;
  }
  transport::watchdog guard{connection.ready()};
  guard.set(loop.deadlines(), send_by);
  const bool sent = co_await send_all(connection, request, result);
  if (sent) {
    if (how.observer != nullptr) how.observer->sent();
    result.sent_at = loop.now();
    if (send_by != deadline) guard.set(loop.deadlines(), deadline);
    reader answers{connection, limits, into, result, what};
    co_await answers.run();
  }
  guard.stop();
  co_return result;
}

}  // namespace gateway::upstream
