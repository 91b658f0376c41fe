#include "store/redis/reply.hpp"

#include <charconv>
#include <system_error>

namespace gateway::store::redis {

std::optional<std::int64_t> reply::number() const noexcept {
  if (kind_ == kind::integer) return number_;
  if (kind_ != kind::bulk && kind_ != kind::status) return std::nullopt;
  std::int64_t value = 0;
  const auto* end = text_.data() + text_.size();
  const auto [stopped, error] = std::from_chars(text_.data(), end, value);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return value;
}

const reply& reply::operator[](std::size_t i) const noexcept {
  static const reply nothing;
  return i < elements_.size() ? elements_[i] : nothing;
}

}  // namespace gateway::store::redis
