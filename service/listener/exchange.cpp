#include "listener/exchange.hpp"

#include "foundation/transport/text_cache.hpp"
#include "listener/pen.hpp"
#include "listener/postponed.hpp"

#include <boost/beast/http/status.hpp>

namespace gateway::listener {
namespace {

constexpr bool has_no_body(unsigned status) noexcept {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace

void reply::clear() noexcept {
  status = 0;
  content_type = "application/json";
  lines.clear();
  body.clear();
  close = false;
  head_only = false;
}

void reply::add_line(std::string_view name, std::string_view value) {
  append(lines, name.size() + value.size() + 4, [&](pen& to) {
    to.put(name);
    to.put(": ");
    to.put(value);
    to.put("\r\n");
  });
}

void serialise(const reply& from, std::string_view date, bool keep_alive, std::string& out) {
  const std::string_view reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(from.status));
  constexpr std::size_t room_for_literals = 256;
  out.clear();
  append(
      out,
      reason.size() + date.size() + from.lines.size() + from.content_type.size() + from.body.size() + room_for_literals,
      [&](pen& to) {
        to.put("HTTP/1.1 ");
        to.put_number(from.status);
        to.put(' ');
        to.put(reason);
        to.put("\r\nDate: ");
        to.put(date);
        to.put("\r\n");
        to.put(from.lines);
        if (!keep_alive) to.put("Connection: close\r\n");
        if (has_no_body(from.status)) return to.put("\r\n");
        if (!from.body.empty()) {
          to.put("Content-Type: ");
          to.put(from.content_type);
          to.put("\r\n");
        }
        to.put("Content-Length: ");
        to.put_number(from.body.size());
        to.put("\r\n\r\n");
        if (!from.head_only) to.put(from.body);
      });
}

std::string stream_head(const reply& from, std::string_view date, bool chunked) {
  const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(from.status));
  std::string out = "HTTP/1.1 " + std::to_string(from.status) + " ";
  out.append(reason.data(), reason.size());
  out += "\r\nDate: ";
  out += date;
  out += "\r\n" + from.lines + "Connection: close\r\nContent-Type: ";
  out += from.content_type;
  out += chunked ? "\r\nTransfer-Encoding: chunked\r\n\r\n" : "\r\n\r\n";
  return out;
}

exchange::exchange() = default;
exchange::~exchange() = default;

void exchange::begin_request() noexcept {
  body = {};
  collected.clear();
  parser.reset();
  caller_left.reset();
  batch.reset();
  lines.reset();
  head_size = 0;
  head.method = http::verb::unknown;  // until there is one: a head that is refused is counted, too
  reply.clear();
  static_cast<request_facts&>(*this) = {};
}

errors::failure caller_left() {
  return failure_of(errors::problem::request_timeout, "The caller left.");
}

void answer_with(exchange& x, const errors::failure& failure) {
  const auto& row = errors::row(failure.id);
  x.problem = row.name;
  x.problem_number = static_cast<std::uint8_t>(std::to_underlying(failure.id) + 1);
  x.effect = failure.effect;
  x.guard.reset();
  if (failure.decision) x.guard = failure.decision->guard;
  x.reply.clear();
  x.reply.status = row.status;
  x.reply.content_type = "application/problem+json";
  transport::text_cache::take(x.reply.body);
  transport::text_cache::take(x.reply.lines);
  errors::render(failure, x.request_id.view(),
                 x.request_id.made_here() ? errors::id_origin::gateway : errors::id_origin::caller, x.reply.body);
  x.reply.add_line("X-Request-Id", x.request_id.view());
  x.reply.add_line("Cache-Control", "no-store");
  if (const auto wait = errors::wait_of(failure)) x.reply.add_line("Retry-After", std::to_string(wait->count()));
  if (!failure.extra_header.empty()) {
    x.reply.lines += failure.extra_header;
    x.reply.lines += "\r\n";
  }
}

void mark_abandoned(exchange& x) noexcept {
  constexpr unsigned nobody_hears = 499;
  x.abandoned = true;
  if (x.reply.status != errors::row(errors::problem::request_timeout).status) return;
  x.reply.status = nobody_hears;
  x.problem = {};
  x.problem_number = 0;
}

}  // namespace gateway::listener
