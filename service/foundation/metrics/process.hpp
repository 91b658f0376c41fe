#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway::metrics {

// What /proc/self/stat says of a process (proc(5)).
struct process_stat {
  std::uint64_t user_ticks;
  std::uint64_t system_ticks;
  std::uint64_t threads;
  std::uint64_t start_ticks;  // since boot
  std::uint64_t virtual_bytes;
  std::uint64_t resident_pages;
};

// Nothing, if the line is not of that form. The command's name may hold spaces and parentheses.
std::optional<process_stat> parse_process_stat(std::string_view line);

// The seconds since the epoch at which the machine started, from the text of /proc/stat.
std::optional<std::uint64_t> parse_boot_time(std::string_view text);

// The process_* families under their customary names, without our prefix, read from /proc at each scrape. What cannot
// be read is left out rather than shown as zero. Any thread.
class process_collector final : public prometheus::Collectable {
 public:
  explicit process_collector(std::string proc = "/proc") : proc_{std::move(proc)} {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::string proc_;
};

}  // namespace gateway::metrics
