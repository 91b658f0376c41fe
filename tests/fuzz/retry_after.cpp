// Any text as Retry-After: within its bounds, seconds as the number they are, dates as the C library reads them.
#include "dispatch/retry_after.hpp"
#include "foundation/time/http_date.hpp"
#include "fuzz/expect.hpp"

#include <algorithm>
#include <ctime>

namespace {

using namespace gateway;
using namespace std::chrono_literals;
using fuzz::expect;

constexpr time::duration most = 15min;
// Sun, 06 Nov 1994 08:49:37 GMT, and half a second.
constexpr auto now = time::wall_instant{std::chrono::duration_cast<time::wall_instant::duration>(784'111'777'500ms)};

void check_seconds(std::string_view digits, time::duration got) {
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  if (digits.size() > 6) {
    expect(got == most, "many seconds are the most");
    return;
  }
  long count = 0;
  for (const char c : digits) count = count * 10 + (c - '0');
  expect(got == std::min<time::duration>(std::chrono::seconds{count}, most), "seconds are the number they are");
}

void check_date(const std::string& text, time::duration got) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  const bool fixdate = end != nullptr && *end == '\0' && text.size() == 29;
  if (fixdate) {
    const auto when = std::chrono::sys_seconds{std::chrono::seconds{::timegm(&parts)}};
    // In whole seconds: the year 9999 is beyond nanoseconds.
    const auto apart = when - std::chrono::floor<std::chrono::seconds>(now);
    const auto expected = apart <= 0s  ? time::duration::zero()
                          : apart > 1h ? most
                                       : std::min<time::duration>(apart - 500ms, most);
    expect(got == expected, "a date is the instant it names");
  }
  if (got <= time::duration::zero() || got >= most) return;
  const auto again = dispatch::retry_after(time::http_date(now + got), now, most);
  expect(again && *again == got, "the date that is so far away says the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto got = dispatch::retry_after(text, now, most);
  const bool digits = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!got) {
    expect(!digits, "a number is always read");
    return 0;
  }
  expect(*got >= time::duration::zero() && *got <= most, "the wait is within its bounds");
  if (digits)
    check_seconds(text, *got);
  else
    check_date(std::string{text}, *got);
  return 0;
}
