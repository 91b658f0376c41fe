// Any bytes as a token endpoint's answer: a token that a header may hold, for a time that makes sense, or a reason that
// shows nothing of the body.
#include "fuzz/expect.hpp"
#include "token/request.hpp"

#include <algorithm>
#include <array>

namespace {

using namespace gateway;
using fuzz::expect;

constexpr std::array statuses{200U, 200U, 200U, 201U, 302U, 400U, 401U, 408U, 429U, 500U};

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 127; });
}

void check(const token::granted& got, unsigned status, std::string_view body) {
  expect(status == 200, "only a 200 grants");
  expect(!got.token.empty() && printable(got.token.reveal()) && !got.token.reveal().contains(' '),
         "a token is what a header may hold");
  expect(got.token.size() < body.size(), "a token comes from the body");
  if (got.lifetime) {
    expect(*got.lifetime > time::duration::zero(), "a lifetime is positive");
    expect(*got.lifetime < std::chrono::hours{24 * 366 * 110}, "a lifetime is no more than a century");
  }
}

void check_reason(const std::string& reason) {
  expect(!reason.empty() && reason.size() < 300 && printable(reason), "a reason is one line for people");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto body = fuzz::text_of(data, size);
  const auto choice = fuzz::take_number(body);
  const auto status = statuses[choice % statuses.size()];
  const auto encoding = choice < 128 ? token::encoding::json : token::encoding::form;
  const auto answer = token::read_answer(status, body, encoding);
  if (const auto* granted = std::get_if<token::granted>(&answer))
    check(*granted, status, body);
  else if (const auto* refused = std::get_if<token::refused>(&answer))
    check_reason(refused->reason);
  else
    check_reason(std::get<token::unusable>(answer).reason);
  return 0;
}
