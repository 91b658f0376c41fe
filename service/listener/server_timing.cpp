#include "listener/server_timing.hpp"

#include "listener/pen.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace gateway::listener {
namespace {

void put_milliseconds(pen& to, time::duration of) noexcept {
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(of).count();
  const auto hundredths = static_cast<std::uint64_t>(std::max<std::int64_t>(0, microseconds)) / 10;
  to.put_number(hundredths / 100);
  to.put('.');
  to.put_number(hundredths / 10 % 10);
  to.put_number(hundredths % 10);
}

}  // namespace

void add_server_timing(std::string& lines, const dispatch::stage_times& stages) {
  const std::array<std::pair<std::string_view, std::optional<time::duration>>, 4> named{
      {{"queue", stages.queue}, {"token", stages.token}, {"connect", stages.connect}, {"upstream", stages.upstream}}};
  constexpr std::size_t room_for_one = sizeof "Server-Timing: upstream;dur=.00\r\n" + pen::longest_number;
  append(lines, named.size() * room_for_one, [&](pen& to) {
    bool first = true;
    for (const auto& [name, took] : named) {
      if (!took) continue;
      first ? to.put("Server-Timing: ") : to.put(", ");
      to.put(name);
      to.put(";dur=");
      put_milliseconds(to, *took);
      first = false;
    }
    if (!first) to.put("\r\n");
  });
}

void add_poll_interval(std::string& lines, time::duration interval) {
  constexpr std::string_view begin = "Server-Timing: poll;desc=\"interval\";dur=";
  append(lines, begin.size() + pen::longest_number + 5, [&](pen& to) {
    to.put(begin);
    put_milliseconds(to, interval);
    to.put("\r\n");
  });
}

}  // namespace gateway::listener
