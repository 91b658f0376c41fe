#include "settings/threads.hpp"

#include "settings/substitution.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

namespace gateway::settings {
namespace {

constexpr unsigned most_without_quota = 4;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The path after "0::" in /proc/self/cgroup: that of cgroup v2.
std::string_view own_cgroup(std::string_view text) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    if (line.starts_with("0::/")) return line.substr(3);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return "/";
}

}  // namespace

unsigned threads_for(std::optional<std::string_view> cpu_max, unsigned cores) {
  cores = std::max(cores, 1U);
  const auto without_quota = std::min(cores, most_without_quota);
  if (!cpu_max) return without_quota;
  const auto text = without_line_ends(*cpu_max);
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return without_quota;
  const auto quota = number(text.substr(0, space));
  const auto period = number(text.substr(space + 1));
  if (!quota || !period || *period == 0) return without_quota;
  const auto cpus = *quota / *period + (*quota % *period == 0 ? 0U : 1U);
  return static_cast<unsigned>(std::clamp<std::uint64_t>(cpus, 1, cores));
}

unsigned threads_here(const environment& env, unsigned cores) {
  const std::filesystem::path root{"/sys/fs/cgroup"};
  const auto self = env.read_file("/proc/self/cgroup");
  std::filesystem::path group{self ? own_cgroup(*self) : "/"};
  std::optional<unsigned> tightest;
  for (;;) {
    const auto text = env.read_file(root / group.relative_path() / "cpu.max");
    if (text && !text->starts_with("max")) {
      const auto here = threads_for(*text, cores);
      tightest = std::min(tightest.value_or(here), here);
    }
    if (!group.has_relative_path()) break;
    group = group.parent_path();
  }
  return tightest.value_or(threads_for(std::nullopt, cores));
}

unsigned threads_of(thread_setting wanted, const environment& env, unsigned cores) {
  return wanted.is_auto() ? threads_here(env, cores) : wanted.count;
}

}  // namespace gateway::settings
