#include "simulator/server/http2_answer.hpp"

#include "simulator/model/wire_script.hpp"

#include <algorithm>
#include <limits>

namespace simulator {

header_list http2_fields(const response& answer) {
  const auto& how = answer.how;
  header_list out{{":status", std::to_string(answer.status)}};
  out.insert(out.end(), answer.headers.begin(), answer.headers.end());
  for (auto& field : padding_fields(how.head_padding)) out.push_back(std::move(field));
  const bool has_length = how.encoding == body_encoding::content_length && !how.endless_body;
  if (has_length && !forbids_body(answer.status))
    out.emplace_back("Content-Length", std::to_string(announced_length(answer)));
  return out;
}

http2_body::http2_body(const response& answer, bool head_request) {
  const auto& how = answer.how;
  if (!head_request && !forbids_body(answer.status)) {
    text_ = answer.body;
    length_ = how.endless_body ? std::numeric_limits<std::uint64_t>::max() : text_.size() + how.body_padding;
  }
  if (how.truncate_body_to) {
    length_ = std::min<std::uint64_t>(*how.truncate_body_to, text_.size());
    cut_ = cut_kind::reset;
  }
  if (how.cut_after) {
    length_ = std::min(length_, how.cut_after->after_bytes);
    cut_ = how.cut_after->kind;
  }
  if (!how.slow_body) released_ = text_.size();
}

std::size_t http2_body::give(std::span<std::uint8_t> into) noexcept {
  const auto free_to_go = holds_back() ? std::min(released_, length_) : length_;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), free_to_go - sent_));
  const auto at = static_cast<std::size_t>(std::min<std::uint64_t>(sent_, text_.size()));
  const auto of_text = std::min(size, text_.size() - at);
  std::copy_n(text_.begin() + static_cast<std::ptrdiff_t>(at), of_text, into.begin());
  std::fill_n(into.begin() + static_cast<std::ptrdiff_t>(of_text), size - of_text, std::uint8_t{' '});
  sent_ += size;
  return size;
}

}  // namespace simulator
