// Any bytes as what a Redis server says: at once and byte by byte must come to the same. What a script's answer is
// taken for has as many parts as were asked for.
#include "fuzz/expect.hpp"
#include "store/ledger_answers.hpp"
#include "store/redis/reply_reader.hpp"

#include <algorithm>
#include <vector>

namespace {

using namespace gateway;
using namespace gateway::store::redis;
using fuzz::expect;

constexpr reply_limits limits{.bytes = 1 << 16, .elements = 1000};

struct heard {
  std::vector<reply> replies;
  bool failed = false;
};

std::size_t elements_of(const reply& one) {
  std::size_t count = one.size();
  for (const auto& inner : one.elements()) count += elements_of(inner);
  return count;
}

heard read(std::string_view bytes, std::size_t piece) {
  reply_reader reader{limits};
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
  if (all.failed) expect(!reader.next(), "a reader that has failed stays so");
  return all;
}

void check_answer(const reply& one) {
  expect(elements_of(one) <= limits.elements, "a reply has no more elements than allowed");
  for (const std::size_t rings : {1U, 2U})
    for (const std::size_t accounts : {0U, 1U})
      if (const auto answer = store::read_reserve(one, rings, accounts)) {
        expect(answer->rings.size() == rings, "there is an answer about every ring");
        expect(answer->paces.size() == accounts, "there is an answer about every account");
        if (answer->next)
          expect(answer->next->ring < rings || rings == 0, "what comes next is of a ring that was asked for");
      }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = gateway::fuzz::text_of(data, size);
  const auto whole = read(bytes, bytes.size());
  const auto cut = read(bytes, 1);
  expect(whole.failed == cut.failed && whole.replies == cut.replies, "it does not matter how the bytes are cut");
  for (const auto& one : whole.replies) check_answer(one);
  return 0;
}
