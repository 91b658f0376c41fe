#pragma once

#include <boost/beast/http/basic_parser.hpp>

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/http/chunks.hpp"
#include "foundation/http/head.hpp"

namespace gateway::http {

// The place after the empty line that ends a head, searching on from where the last search stopped. Nothing: not yet.
std::optional<std::size_t> end_of_head(std::string_view bytes, std::size_t searched) noexcept;

struct parse_limits {
  std::size_t head = 16 * 1024;
  std::size_t body = 1024 * 1024;
};

enum class parse_error : std::uint8_t { malformed, too_many_fields, body_too_large };

// One message: the head at once with Beast's parser, then the pieces of a chunked body. A fresh one per message. The
// views in the head point into the buffer given to `read_head`, which must not move while they are used.
template <bool is_request>
class message_parser final : private beast_http::basic_parser<is_request> {
  using base = beast_http::basic_parser<is_request>;
  using head_type = std::conditional_t<is_request, request_head, answer_head>;

 public:
  explicit message_parser(const parse_limits& limits, head_type& into);

  // `bytes` is exactly one complete head, with its empty line.
  std::expected<void, parse_error> read_head(std::string_view bytes);

  // Bytes of a chunked body; its content is appended to `body`. Returns how many were taken; the rest must be offered
  // again together with more. `finished` tells when the last chunk and its trailers are through.
  std::expected<std::size_t, parse_error> read_chunked(std::string_view bytes, std::string& body);
  bool finished() const noexcept { return chunks_.finished(); }
  // The most that `read_chunked` may collect, where that is known only after the head.
  void limit_body(std::size_t bytes) noexcept { chunks_.limit(bytes); }

  // For an answer to a HEAD or CONNECT request: no body follows whatever the head says.
  void expect_no_body() noexcept { this->skip(true); }

 private:
  using string_view_type = boost::beast::string_view;
  using error_type = boost::beast::error_code;

  void on_request_impl(verb method, string_view_type text, string_view_type target, int version, error_type&) override;
  void on_response_impl(int code, string_view_type reason, int version, error_type&) override;
  void on_field_impl(field id, string_view_type name, string_view_type value, error_type&) override;
  void on_header_impl(error_type&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_type&) override {}
  std::size_t on_body_impl(string_view_type body, error_type&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, string_view_type, error_type&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view_type body, error_type&) override { return body.size(); }
  void on_finish_impl(error_type&) override {}

  head_type& head_;
  chunk_reader chunks_;
  std::optional<parse_error> fault_;
};

extern template class message_parser<true>;
extern template class message_parser<false>;
using request_parser = message_parser<true>;
using answer_parser = message_parser<false>;

}  // namespace gateway::http
