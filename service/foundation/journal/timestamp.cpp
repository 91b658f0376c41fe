#include "foundation/journal/timestamp.hpp"

namespace gateway::journal {
namespace {

// A number below 10^count, as exactly count digits.
void digits(char* into, std::size_t count, unsigned number) noexcept {
  for (std::size_t i = count; i-- > 0; number /= 10) into[i] = static_cast<char>('0' + number % 10);
}

}  // namespace

std::string_view timestamp::of(time::wall_instant at) noexcept {
  const auto second = std::chrono::floor<std::chrono::seconds>(at);
  if (second != second_) {
    second_ = second;
    write_second();
  }
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(at - second).count();
  digits(text_.data() + 20, 3, static_cast<unsigned>(milliseconds));
  return {text_.data(), text_.size()};
}

void timestamp::write_second() noexcept {
  const auto day = std::chrono::floor<std::chrono::days>(second_);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{second_ - day};
  constexpr std::string_view form = "0000-00-00T00:00:00.000Z";
  form.copy(text_.data(), text_.size());
  digits(text_.data(), 4, static_cast<unsigned>(static_cast<int>(date.year())));
  digits(text_.data() + 5, 2, static_cast<unsigned>(date.month()));
  digits(text_.data() + 8, 2, static_cast<unsigned>(date.day()));
  digits(text_.data() + 11, 2, static_cast<unsigned>(clock.hours().count()));
  digits(text_.data() + 14, 2, static_cast<unsigned>(clock.minutes().count()));
  digits(text_.data() + 17, 2, static_cast<unsigned>(clock.seconds().count()));
}

}  // namespace gateway::journal
