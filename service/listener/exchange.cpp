#include "listener/exchange.hpp"

#include "foundation/transport/text_cache.hpp"
#include "listener/postponed.hpp"

#include <boost/beast/http/status.hpp>

#include <array>
#include <charconv>

namespace gateway::listener {
namespace {

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

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
  lines += name;
  lines += ": ";
  lines += value;
  lines += "\r\n";
}

void serialise(const reply& from, std::string_view date, bool keep_alive, std::string& out) {
  const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(from.status));
  out.clear();
  out.reserve(from.lines.size() + from.body.size() + 256);
  out += "HTTP/1.1 ";
  append_number(out, from.status);
  out += ' ';
  out.append(reason.data(), reason.size());
  out += "\r\nDate: ";
  out += date;
  out += "\r\n";
  out += from.lines;
  if (!keep_alive) out += "Connection: close\r\n";
  if (!has_no_body(from.status)) {
    if (!from.body.empty()) {
      out += "Content-Type: ";
      out += from.content_type;
      out += "\r\n";
    }
    out += "Content-Length: ";
    append_number(out, from.body.size());
    out += "\r\n";
  }
  out += "\r\n";
  if (!from.head_only && !has_no_body(from.status)) out += from.body;
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
  head_size = 0;
  reply.clear();
  static_cast<request_facts&>(*this) = {};
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
  errors::render(failure, x.request_id.view(), x.reply.body);
  x.reply.add_line("X-Request-Id", x.request_id.view());
  x.reply.add_line("Cache-Control", "no-store");
  if (failure.retry_after) x.reply.add_line("Retry-After", std::to_string(failure.retry_after->count()));
  if (!failure.extra_header.empty()) {
    x.reply.lines += failure.extra_header;
    x.reply.lines += "\r\n";
  }
}

}  // namespace gateway::listener
