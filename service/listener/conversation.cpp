#include "listener/conversation.hpp"

#include <boost/beast/http/verb.hpp>

#include <stdexcept>

#include "foundation/secrets/secret.hpp"
#include "foundation/transport/parking.hpp"
#include "listener/batch_stream.hpp"
#include "listener/departure_watch.hpp"

namespace gateway::listener {

using errors::failure;
using errors::problem;
using transport::io_status;
using transport::task;

namespace {

constexpr std::size_t most_in_a_row = 8;  // pipelined requests, before the others of the loop have their turn

// Counts a request while it is handled. One writer: the loop.
class busy_count {
 public:
  explicit busy_count(std::atomic<std::size_t>& cell) noexcept : of_{cell} { add(1); }
  ~busy_count() { add(static_cast<std::size_t>(-1)); }
  busy_count(const busy_count&) = delete;
  busy_count& operator=(const busy_count&) = delete;

 private:
  void add(std::size_t by) noexcept { of_.store(of_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed); }
  std::atomic<std::size_t>& of_;
};

}  // namespace

task<bool> conversation::run(std::unique_ptr<postponed> first) {
  std::size_t in_a_row = 0;
  if (first) {
    const bool keep = co_await answer_late(std::move(first));
    if (!keep) co_return false;
  }
  for (;;) {
    x_.begin_request();
    used_ = searched_ = 0;
    if (!x_.input.empty()) note_beginning();
    auto what = hear();
    while (!what || *what == heard::bytes) {
      if (what) {
        co_await next_stage();
        what = hear();
      } else {
        const bool more = co_await read_more(x_.input, server_.options_.limits.head + 1);
        what = more ? hear() : end_of_head_missing();
      }
    }
    if (*what == heard::nothing) co_return true;
    if (*what == heard::gone) co_return false;
    co_await next_stage();
    bool keep = false;
    if (*what == heard::head)
      keep = co_await answer_request();
    else
      co_await send_reply(false);
    if (x_.later) {
      guard_.stop();
      x_.later->keep(x_, x_.input.substr(used_) + x_.following);
      co_return true;
    }
    const auto took = server_.loop_.clock().now() - x_.began;
    co_await next_stage();
    server_.handler_.on_done(x_, took);
    answered_ = true;
    if (!keep) {
      co_await linger();
      co_return false;
    }
    x_.input.erase(0, used_);
    x_.input += x_.following;
    x_.following.clear();
    if (++in_a_row % most_in_a_row == 0) co_await let_others();
  }
}

task<bool> conversation::answer_late(std::unique_ptr<postponed> what) {
  what->restore(x_);
  try {
    server_.handler_.on_later(x_, *what);
    if (x_.reply.status == 0) throw std::logic_error{"the handler has not answered"};
  } catch (const std::exception& fault) {
    answer_for(fault, errors::effect::none);
  }
  x_.reply.head_only = x_.head.method == http::verb::head;
  const bool keep = x_.head.keep_alive && !x_.reply.close && !server_.sending_away_;
  const bool sent = co_await send_reply(keep);
  note_departure(sent);
  server_.handler_.on_done(x_, server_.loop_.clock().now() - x_.began);
  answered_ = true;
  what.reset();
  if (!sent) co_return false;
  if (!keep) co_await linger();
  co_return keep;
}

task<> conversation::let_others() {
  transport::parking place{server_.loop_.ready()};
  co_await place.wait(server_.loop_.deadlines(), server_.loop_.now());
}

task<> conversation::refuse(const failure& why) {
  x_.begin_request();
  x_.began = server_.loop_.now();
  refused(why);
  co_await send_reply(false);
  server_.handler_.on_done(x_, server_.loop_.clock().now() - x_.began);
  co_await linger();
}

// ---- the head

void conversation::note_beginning() {
  x_.began = server_.loop_.now();
  set_guard(server_.options_.head_timeout);
}

// What has come, without waiting; bytes are only read, and looked at by the next call. Nothing: more of them are
// needed.
std::optional<conversation::heard> conversation::hear() {
  for (;;) {
    if (!x_.input.empty()) {
      if (const auto known = look_at_input()) return known;
      if (!x_.input.empty()) return std::nullopt;
    }
    const auto got = try_read(x_.input, read_step);
    if (got.status == io_status::want_read || got.status == io_status::want_write) return heard::nothing;
    if (got.status != io_status::done) return heard::gone;
    note_beginning();
    return heard::bytes;
  }
}

conversation::heard conversation::end_of_head_missing() {
  if (!timed_out()) return heard::gone;
  return refused(failure_of(problem::request_timeout, "The header did not arrive in time."));
}

// Nothing: more bytes are needed.
std::optional<conversation::heard> conversation::look_at_input() {
  if (searched_ == 0) {  // empty lines before a request are ignored (RFC 9112 section 2.2), at once or one by one
    std::size_t empty_lines = 0;
    while (std::string_view{x_.input}.substr(empty_lines).starts_with("\r\n")) empty_lines += 2;
    x_.input.erase(0, empty_lines);
    if (x_.input.empty() || x_.input == "\r") return std::nullopt;
  }
  const auto end = http::end_of_head(x_.input, searched_);
  if (!end) {
    if (const auto fault = inspect_beginning(x_.input, server_.options_.limits, searched_)) return refused(*fault);
    searched_ = x_.input.size();
    return std::nullopt;
  }
  const auto head = std::string_view{x_.input}.substr(0, *end);
  if (const auto fault = inspect_head(head, server_.options_.limits)) return refused(*fault);
  x_.parser.emplace(http::parse_limits{.head = server_.options_.limits.head, .body = 0}, x_.head);
  if (const auto parsed = x_.parser->read_head(head); !parsed) {
    if (parsed.error() == http::parse_error::too_many_fields)
      return refused(
          failure_of(problem::headers_too_large,
                     "There are more than " + std::to_string(http::field_list::capacity) + " header lines."));
    return refused(failure_of(problem::malformed_request, "The header is not HTTP/1.1."));
  }
  x_.head_size = *end;
  used_ = *end;
  server_.begin(x_, x_.head.fields.get("X-Request-Id").value_or(""));
  return heard::head;
}

conversation::heard conversation::refused(const failure& why) {
  server_.begin(x_, find_field(x_.input, "X-Request-Id").value_or(""));
  answer_with(x_, why);
  const std::string_view bytes = x_.input;
  if (const auto space = bytes.find(' '); space != std::string_view::npos)
    x_.head.method = boost::beast::http::string_to_verb(bytes.substr(0, space));
  x_.reply.head_only = x_.head.method == http::verb::head;
  return heard::refused;
}

// ---- one request

// At the door, then the head; it may be answered by that. Returns the most that its body may have. What is decided
// without waiting is decided in functions of their own, here and below: in a coroutine the failures that may come of it
// would make its frame several times as large, and there is one for each request under way.
std::size_t conversation::take_head() {
  auto* const load = server_.options_.load;
  if (const auto overload = load != nullptr ? load->at_the_door() : std::nullopt) {
    answer_with(x_, *overload);
    return 0;
  }
  std::size_t limit = 0;
  try {
    limit = server_.handler_.on_head(x_);
  } catch (const std::exception& fault) {
    answer_for(fault, errors::effect::none);
    x_.batch.reset();
    return 0;
  }
  if (x_.reply.status == 0 && x_.batch) pass_the_desk();
  return limit;
}

// It is known who asks, or that nobody does, and what they showed is needed no more. (Not of a batch, whose caller is
// looked at again with each line. Once the answer is sent the head has left the processor's caches long ago.)
void conversation::forget_credentials() noexcept {
  const std::span input{x_.input};
  for (const auto& f : x_.head.fields.all()) {
    const bool secret =
        f.id == http::field::authorization || f.id == http::field::proxy_authorization || f.id == http::field::cookie;
    if (!secret || f.value.empty()) continue;
    secrets::wipe(input.subspan(static_cast<std::size_t>(f.value.data() - input.data()), f.value.size()));
  }
}

// False: it is answered.
bool conversation::pass_the_desk() {
  auto* const load = server_.options_.load;
  const auto overload = load != nullptr ? load->at_the_desk() : std::nullopt;
  if (overload) refuse_request(*overload);
  return !overload;
}

// What the handler took is refused here all the same.
void conversation::refuse_request(const failure& why) {
  answer_with(x_, why);
  server_.handler_.on_refused(x_);
}

// True: the connection may be kept.
task<bool> conversation::answer_request() {
  const auto limit = take_head();
  co_await next_stage();
  if (x_.reply.status == 0 && x_.batch) {
    co_await run_batch();
    co_return false;
  }
  forget_credentials();
  bool body_taken = false;
  if (x_.reply.status == 0) {
    body_taken = take_body(limit);
    if (!body_taken) body_taken = co_await read_body(limit);
    if (!body_taken && x_.reply.status == 0) {
      answer_with(x_, caller_left());
      if (woken_ != transport::wake::cancelled) mark_abandoned(x_);
      co_return false;
    }
    if (body_taken && pass_the_desk()) {
      const busy_count while_running{server_.busy_};
      const admission::request_count::entry counted{load_count()};
      const departure_watch watching{connection_.ready(), x_.caller_left, server_.loop_.ready()};
      try {
        co_await server_.handler_.on_request(x_);
        if (x_.reply.status == 0 && !x_.later) throw std::logic_error{"the handler has not answered"};
      } catch (const std::exception& fault) {
        x_.later.reset();
        answer_for(fault, errors::effect::unknown);
      }
    }
  }
  if (x_.later) co_return true;
  x_.reply.head_only = x_.head.method == http::verb::head;
  const bool keep = x_.head.keep_alive && !x_.reply.close && !server_.sending_away_;
  const bool skippable =
      body_taken || x_.head.body == http::framing::none ||
      (x_.head.body == http::framing::length && x_.head.content_length <= most_skipped && !x_.head.expects_continue);
  const bool sent = co_await send_reply(keep && skippable);
  note_departure(sent);
  if (!sent || !keep || !skippable) co_return false;
  if (body_taken) co_return true;
  const bool skipped = co_await skip_body();
  co_return skipped;
}

// Request and answer are streams; the connection ends with them.
task<> conversation::run_batch() {
  x_.reply.status = 200;
  x_.reply.add_line("X-Request-Id", x_.request_id.view());
  x_.reply.add_line("Cache-Control", "no-store");
  x_.reply.content_type = "application/x-ndjson";
  std::string head;
  if (x_.head.expects_continue && x_.head.version == 11) head = continue_line;
  head += stream_head(x_.reply, server_.date(), x_.head.version != 10);
  guard_.stop();
  const busy_count while_running{server_.busy_};
  const admission::request_count::entry counted{load_count()};
  batch_stream stream{{.loop = server_.loop_,
                       .connection = connection_,
                       .x = x_,
                       .requests = server_.handler_,
                       .work = x_.batch,
                       .options = server_.options_,
                       .draining = server_.draining_}};
  auto running = stream.run(std::move(head));
  const bool heard = co_await std::move(running);
  x_.lines = x_.batch->totals();
  x_.lines->complete = x_.lines->complete && heard;
  x_.effect = x_.lines->worst;
  if (!heard && !connection_.ready().cancelled()) mark_abandoned(x_);
  x_.batch.reset();
}

// The caller left while its request was handled, or the connection is broken.
void conversation::note_departure(bool sent) noexcept {
  if (x_.caller_left.happened() || (!sent && woken_ == transport::wake::ready)) mark_abandoned(x_);
}

// Of what is under way; none: nobody counts.
admission::request_count* conversation::load_count() const noexcept {
  auto* const load = server_.options_.load;
  return load != nullptr ? &load->requests() : nullptr;
}

// The details of our own faults are for the log, not for the caller.
void conversation::answer_for(const std::exception& fault, errors::effect effect) {
  server_.handler_.on_failure(x_, fault.what());
  auto f = failure_of(problem::internal_error, "The gateway failed to handle this request.");
  f.effect = effect;
  answer_with(x_, f);
}

}  // namespace gateway::listener
