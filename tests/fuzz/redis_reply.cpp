// Any bytes as what a Redis server says: at once and byte by byte must come to the same.
#include "store/redis/reply_reader.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

using namespace gateway::store::redis;

struct heard {
  std::vector<reply> replies;
  bool failed = false;
};

heard read(std::string_view bytes, std::size_t piece) {
  reply_reader reader{{.bytes = 1 << 20, .elements = 10'000}};
  heard all;
  while (!bytes.empty() && !all.failed) {
    reader.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      auto next = reader.next();
      all.failed = !next;
      if (!next || !*next) break;
      all.replies.push_back(std::move(**next));
    }
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto whole = read(bytes, bytes.size());
  const auto cut = read(bytes, 1);
  if (whole.failed != cut.failed || whole.replies != cut.replies) {
    std::fputs("it matters how the bytes are cut\n", stderr);
    std::abort();
  }
  return 0;
}
