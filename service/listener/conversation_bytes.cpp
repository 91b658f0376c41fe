#include <algorithm>

#include "foundation/secrets/secret.hpp"
#include "foundation/transport/text_cache.hpp"
#include "listener/conversation.hpp"

// How the bytes of a conversation come and go: bodies in their three framings, answers, and the end.
namespace gateway::listener {

using errors::problem;
using transport::interest;
using transport::io_result;
using transport::io_status;
using transport::task;
using transport::wake;

// ---- the body

// There is none, or it came with its head: the usual case, in which nothing is waited for.
bool conversation::take_body(std::size_t limit) {
  const auto& head = x_.head;
  if (head.body == http::framing::none) return true;
  const auto there = x_.input.size() - x_.head_size;
  if (head.body != http::framing::length || head.content_length > std::min(limit, there)) return false;
  x_.body = std::string_view{x_.input}.substr(x_.head_size, static_cast<std::size_t>(head.content_length));
  used_ = x_.head_size + x_.body.size();
  guard_.stop();
  return true;
}

task<bool> conversation::read_body(std::size_t limit) {
  const auto& head = x_.head;
  const bool too_large = head.body == http::framing::length && head.content_length > limit;
  if (too_large) {
    refuse_request(
        failure_of(problem::content_too_large, "The body has more than " + std::to_string(limit) + " bytes."));
    co_return false;
  }
  set_guard(server_.options_.body_timeout);
  if (head.expects_continue && head.version == 11 && x_.input.size() == x_.head_size) {
    const bool sent = co_await send(continue_line);
    if (!sent) co_return false;
    set_guard(server_.options_.body_timeout);
  }
  bool complete = false;
  if (head.body == http::framing::length)
    complete = co_await read_sized(static_cast<std::size_t>(head.content_length));
  else
    complete = co_await read_chunked(limit);
  guard_.stop();
  if (!complete && x_.reply.status == 0 && timed_out()) {
    refuse_request(failure_of(problem::request_timeout, "The body did not arrive in time."));
    x_.reply.close = true;
  }
  co_return complete;
}

task<bool> conversation::read_sized(std::size_t length) {
  x_.collected.assign(x_.input, x_.head_size);
  used_ = x_.input.size();
  while (x_.collected.size() < length) {
    const bool more = co_await read_more(x_.collected, length);
    if (!more) co_return false;
  }
  x_.body = x_.collected;
  co_return true;
}

task<bool> conversation::read_chunked(std::size_t limit) {
  x_.parser->limit_body(limit);
  x_.following.assign(x_.input, x_.head_size);
  used_ = x_.input.size();
  for (;;) {
    const auto taken = x_.parser->read_chunked(x_.following, x_.collected);
    if (!taken) {
      const bool large = taken.error() == http::parse_error::body_too_large;
      refuse_request(
          large ? failure_of(problem::content_too_large, "The body has more than " + std::to_string(limit) + " bytes.")
                : failure_of(problem::malformed_request, "The body's chunks are malformed."));
      x_.reply.close = true;
      co_return false;
    }
    x_.following.erase(0, *taken);
    if (x_.parser->finished()) break;
    if (x_.following.size() > server_.options_.limits.head) {
      refuse_request(failure_of(problem::malformed_request, "A chunk's header is too long."));
      x_.reply.close = true;
      co_return false;
    }
    const bool more = co_await read_more(x_.following, x_.following.size() + read_step);
    if (!more) co_return false;
  }
  x_.body = x_.collected;
  co_return true;
}

// Reads past a body that nobody wants, so that the next request can come over the same connection. Whoever is refused
// may be anybody: nothing of it is kept, and it has to come soon.
task<bool> conversation::skip_body() {
  if (take_body(most_skipped)) co_return true;
  set_guard(std::min(server_.options_.body_timeout, skipping_patience));
  auto left = static_cast<std::size_t>(x_.head.content_length) - (x_.input.size() - x_.head_size);
  used_ = x_.input.size();
  while (left != 0) {
    x_.collected.clear();
    const bool more = co_await read_more(x_.collected, std::min(left, read_step));
    if (!more) co_return false;
    left -= x_.collected.size();
  }
  co_return true;
}

// ---- bytes

task<bool> conversation::send_reply(bool keep) {
  if (keep && x_.head.version == 10) x_.reply.add_line("Connection", "keep-alive");  // it does not go without saying
  transport::text_cache::take(x_.output);
  serialise(x_.reply, server_.date(), keep, x_.output);
  transport::text_cache::give(x_.reply.lines);
  transport::text_cache::give(x_.reply.body);
  return send(x_.output);
}

task<bool> conversation::send(std::string_view bytes) {
  co_await next_stage();
  set_guard(server_.options_.write_timeout);
  while (!bytes.empty()) {
    const auto put = connection_.try_write(bytes);
    if (put.status == io_status::done) {
      bytes.remove_prefix(put.bytes);
      continue;
    }
    if (put.status != io_status::want_read && put.status != io_status::want_write) co_return false;
    woken_ = co_await connection_.ready().wait(put.status == io_status::want_read ? interest::read : interest::write);
    if (woken_ != wake::ready) co_return false;
  }
  guard_.stop();
  transport::text_cache::give(x_.output);
  co_return true;
}

// Lets the caller read the last answer: closing at once with unread bytes would reset the connection under it.
task<> conversation::linger() {
  connection_.finish();
  set_guard(std::chrono::seconds{1});
  for (std::size_t discarded = 0; discarded < most_skipped;) {
    x_.collected.clear();
    const bool more = co_await read_more(x_.collected, read_step);
    if (!more) co_return;
    discarded += x_.collected.size();
  }
}

task<bool> conversation::read_more(std::string& into, std::size_t most) {
  for (;;) {
    const auto got = try_read(into, most);
    if (got.status == io_status::done) co_return true;
    if (got.status != io_status::want_read && got.status != io_status::want_write) co_return false;
    woken_ = co_await connection_.ready().wait(got.status == io_status::want_read ? interest::read : interest::write);
    if (woken_ != wake::ready) co_return false;
  }
}

io_result conversation::try_read(std::string& into, std::size_t most) {
  const auto before = into.size();
  // Memory comes with the bytes and for as many as there are, not with their announcement: of those who send slowly, or
  // wait for Podero, there may be thousands.
  const auto wanted = std::clamp<std::size_t>(most - std::min(most, before), 1, server::most_read);
  const std::span<char> arriving{server_.arriving_.get(), wanted};
  const auto got = connection_.try_read(arriving);
  const auto came = arriving.first(got.bytes);
  into.append(came.data(), came.size());
  secrets::wipe(came);  // a key may stand in it
  return got;
}

void conversation::set_guard(time::duration limit) {
  woken_ = wake::ready;
  guard_.set(server_.loop_.deadlines(), server_.loop_.now() + limit);
}

}  // namespace gateway::listener
