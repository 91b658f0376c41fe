#include "foundation/http/parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>

namespace gateway::http {
namespace {

std::string_view view(boost::beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

}  // namespace

std::optional<std::size_t> end_of_head(std::string_view bytes, std::size_t searched) noexcept {
  const auto from = searched > 3 ? searched - 3 : 0;
  const auto at = bytes.find("\r\n\r\n", from);
  if (at == std::string_view::npos) return std::nullopt;
  return at + 4;
}

template <bool is_request>
message_parser<is_request>::message_parser(const parse_limits& limits, head_type& into) : head_{into} {
  chunks_.limit(limits.body);
  // Ours are checked before and after; Beast's own limits would fire with less said.
  this->header_limit(static_cast<std::uint32_t>(limits.head + 1));
  this->body_limit(boost::none);
  head_.fields.clear();
}

template <bool is_request>
std::expected<void, parse_error> message_parser<is_request>::read_head(std::string_view bytes) {
  error_type error;
  const auto used = this->put(boost::asio::const_buffer{bytes.data(), bytes.size()}, error);
  if (fault_) return std::unexpected{*fault_};
  if (error || !this->is_header_done() || used != bytes.size()) return std::unexpected{parse_error::malformed};

  head_.keep_alive = this->keep_alive();
  head_.content_length = 0;
  if (this->is_done()) {  // nothing follows: a length of 0, a 1xx, 204 or 304
    head_.body = framing::none;
  } else if (this->chunked()) {
    head_.body = framing::chunked;
  } else if (const auto length = this->content_length()) {
    head_.body = framing::length;
    head_.content_length = *length;
  } else {
    head_.body = is_request ? framing::none : framing::until_close;
  }
  return {};
}

template <bool is_request>
std::expected<std::size_t, parse_error> message_parser<is_request>::read_chunked(std::string_view bytes,
                                                                                 std::string& body) {
  const auto taken = chunks_.read(bytes, body);
  if (taken) return *taken;
  const bool large = taken.error() == chunk_error::body_too_large;
  return std::unexpected{large ? parse_error::body_too_large : parse_error::malformed};
}

template <bool is_request>
void message_parser<is_request>::on_request_impl(verb method, string_view_type text, string_view_type target,
                                                 int version, error_type&) {
  if constexpr (is_request) {
    head_.method = method;
    head_.method_text = view(text);
    head_.target = view(target);
    head_.version = static_cast<unsigned>(version);
    head_.expects_continue = false;
  }
}

template <bool is_request>
void message_parser<is_request>::on_response_impl(int code, string_view_type, int version, error_type&) {
  if constexpr (!is_request) {
    head_.status = static_cast<unsigned>(code);
    head_.version = static_cast<unsigned>(version);
  }
}

template <bool is_request>
void message_parser<is_request>::on_field_impl(field id, string_view_type name, string_view_type value,
                                               error_type& error) {
  if (!head_.fields.add({id, view(name), view(value)})) {
    fault_ = parse_error::too_many_fields;
    error = beast_http::error::header_limit;
    return;
  }
  if constexpr (is_request)
    if (id == field::expect && boost::beast::iequals(value, "100-continue")) head_.expects_continue = true;
}

template class message_parser<true>;
template class message_parser<false>;

}  // namespace gateway::http
