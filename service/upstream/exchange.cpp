#include "upstream/exchange.hpp"

#include <algorithm>

namespace gateway::upstream {
namespace {

using transport::interest;
using transport::io_status;
using transport::task;
using transport::wake;

constexpr std::size_t read_step = 4096;

// The answer's side of one exchange.
class reader {
 public:
  reader(transport::channel& connection, const http::parse_limits& limits, answer& into, exchange_result& result)
      : connection_{connection}, limits_{limits}, into_{into}, result_{result} {
    into_.received.clear();
    into_.decoded.clear();
  }

  task<> run() {
    std::size_t begin = 0;
    for (;;) {
      const bool whole = co_await read_head(begin);
      if (!whole) co_return;
      http::answer_parser parser{limits_, into_.head};
      const auto parsed = parser.read_head(std::string_view{into_.received}.substr(begin, body_at_ - begin));
      if (!parsed) {
        refuse(parsed.error() == http::parse_error::too_many_fields ? "the answer has too many header fields"
                                                                    : "the answer is not HTTP/1.1");
        co_return;
      }
      if (into_.head.status >= 200 || into_.head.status == 101) {
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
  task<bool> read_head(std::size_t begin) {
    std::size_t searched = 0;
    for (;;) {
      const auto bytes = std::string_view{into_.received}.substr(begin);
      if (const auto end = http::end_of_head(bytes, searched)) {
        body_at_ = begin + *end;
        co_return true;
      }
      searched = bytes.size();
      if (bytes.size() > limits_.head) {
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
        finish(into_.head.keep_alive, {});
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
    // More than the answer means that the two sides disagree where it ends.
    const bool exact = into_.received.size() - start == length;
    finish(into_.head.keep_alive && exact, std::string_view{into_.received}.substr(start, length));
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
    finish(into_.head.keep_alive && taken == into_.received.size(), into_.decoded);
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
    if (ended_) finish(false, std::string_view{into_.received}.substr(body_at_));
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
  void finish(bool keep_alive, std::string_view body) {
    into_.keep_alive = keep_alive;
    into_.body = body;
    result_.end = exchange_end::answered;
  }

  transport::channel& connection_;
  const http::parse_limits& limits_;
  answer& into_;
  exchange_result& result_;
  std::size_t body_at_ = 0;
  bool ended_ = false;
};

task<bool> send_all(transport::channel& connection, std::string_view request, exchange_result& result) {
  std::size_t sent = 0;
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

task<exchange_result> exchange(transport::loop& loop, transport::channel& connection, std::string_view request,
                               const http::parse_limits& limits, answer& into, time::instant deadline) {
  exchange_result result;
  transport::watchdog guard{connection.ready()};
  guard.set(loop.deadlines(), deadline);
  const bool sent = co_await send_all(connection, request, result);
  if (sent) {
    result.sent_at = loop.now();
    reader answers{connection, limits, into, result};
    co_await answers.run();
  }
  guard.stop();
  co_return result;
}

}  // namespace gateway::upstream
