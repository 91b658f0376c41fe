#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "store/redis/reply.hpp"

namespace gateway::store::redis {

// How much one reply may be. Nesting is bounded by hiredis itself (seven arrays in one another).
struct reply_limits {
  std::size_t bytes = std::size_t{16} * 1024 * 1024;
  std::size_t elements = 200'000;  // of all arrays in it together
};

// Bytes to replies, however they are cut. hiredis reads the protocol; this keeps it within limits and owns the result.
class reply_reader {
 public:
  explicit reply_reader(reply_limits limits = {});
  ~reply_reader();
  reply_reader(const reply_reader&) = delete;
  reply_reader& operator=(const reply_reader&) = delete;

  void feed(std::string_view bytes);
  // The next complete reply, or nothing yet. After an error (what came is not RESP2, or exceeds the limits) the
  // connection cannot be used any more, and every call returns it again.
  std::expected<std::optional<reply>, std::string> next();

 private:
  struct machinery;
  std::unique_ptr<machinery> machinery_;
};

}  // namespace gateway::store::redis
