// Any bytes as the lines of a batch: cut anywhere they are the same lines, those that a plain reading finds, and what
// is taken out of a line is the key and, byte for byte, the body that a JSON parser finds in it.
#include "listener/batch_line.hpp"
#include "fuzz/expect.hpp"
#include "fuzz/strict_json.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace gateway;
using fuzz::expect;
using splitter = listener::line_splitter;
using is = splitter::piece::is;

constexpr std::size_t longest = 64;  // of a line; short, so that long ones are found

struct found {
  std::size_t number;
  bool too_long;
  std::string text;
  bool operator==(const found&) const = default;
};

void take_all(splitter& lines, std::vector<found>& into) {
  while (lines.has_line()) {
    auto piece = lines.next();
    if (piece.what != is::nothing) into.push_back({piece.number, piece.what == is::too_long, std::move(piece.text)});
    if (lines.done()) return;
  }
}

std::vector<found> split(std::string_view stream, std::size_t at_once) {
  std::vector<found> all;
  splitter lines{longest};
  for (; !stream.empty(); stream.remove_prefix(std::min(at_once, stream.size()))) {
    lines.input() += stream.substr(0, at_once);
    take_all(lines, all);
  }
  lines.end();
  take_all(lines, all);
  expect(lines.done(), "at the end nothing is left");
  return all;
}

std::vector<found> read_plainly(std::string_view stream) {
  std::vector<found> all;
  for (std::size_t number = 1; !stream.empty(); ++number) {
    auto line = fuzz::first_line(stream, stream);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > longest)
      all.push_back({number, true, {}});
    else if (!line.empty())
      all.push_back({number, false, std::string{line}});
  }
  return all;
}

void check_refused(const errors::failure& why) {
  const auto rendered = errors::render(why, "497f6eca-6276-4993-bfeb-53cbbbba6f08");
  expect(fuzz::strict_json{rendered}.is_object(), "a problem is JSON");
  expect(!why.detail.empty(), "a problem says what is wrong");
}

void check_line(std::string_view line) {
  static json::scanner scanner;
  const auto got = listener::read_batch_line(line, false, scanner);
  const auto keyed = listener::read_batch_line(line, true, scanner);
  if (!got) {
    check_refused(got.error());
    expect(!keyed, "a line that is wrong without a key is wrong with one");
    return;
  }
  expect(fuzz::strict_json{line}.is_object(), "a line is one strict object");
  expect(fuzz::strict_json{got->body}.is_object(), "a body is one strict object");
  expect(got->body.data() >= line.data() && got->body.data() + got->body.size() <= line.data() + line.size(),
         "a body is a part of its line");
  const auto parsed = boost::json::parse(line).as_object();
  expect(parsed.at("body") == boost::json::parse(got->body), "the body is the member of that name");
  const auto* key = parsed.if_contains("idempotency_key");
  expect(got->key.has_value() == (key != nullptr), "a key is there if it was sent");
  if (key != nullptr) expect(key->as_string() == *got->key, "the key is the member of that name");
  expect(parsed.size() == (key != nullptr ? 2U : 1U), "a line has no other members");
  expect(keyed.has_value() == got->key.has_value(), "where a key is needed, a line without one is refused");
  if (!keyed) expect(keyed.error().id == errors::problem::idempotency_key_missing, "and is told why");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto stream = fuzz::text_of(data, size);
  const auto at_once = std::max(1U, fuzz::take_number(stream) & 0x3FU);
  const auto plainly = read_plainly(stream);
  expect(split(stream, std::max<std::size_t>(stream.size(), 1)) == plainly, "lines are what stands between line feeds");
  expect(split(stream, at_once) == plainly, "cut anywhere they are the same lines");
  auto rest = stream;
  for (int i = 0; i < 4 && !rest.empty(); ++i) check_line(fuzz::first_line(rest, rest));
  check_line(stream);
  return 0;
}
