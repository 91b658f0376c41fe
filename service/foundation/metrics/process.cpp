#include "foundation/metrics/process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <memory>

namespace gateway::metrics {
namespace {

using prometheus::MetricType;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<std::string> read_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::nullopt;
  std::string text;
  std::array<char, 4096> piece{};
  ssize_t got = 0;
  while ((got = ::read(descriptor, piece.data(), piece.size())) > 0)
    text.append(piece.data(), static_cast<std::size_t>(got));
  ::close(descriptor);
  if (got < 0) return std::nullopt;
  return text;
}

// Counting opens one descriptor itself, which is taken off again.
std::optional<double> open_descriptors(const std::string& path) {
  const auto close = [](DIR* opened) { ::closedir(opened); };
  const std::unique_ptr<DIR, decltype(close)> directory{::opendir(path.c_str()), close};
  if (!directory) return std::nullopt;
  int entries = 0;
  while (const dirent* entry = ::readdir(directory.get())) entries += entry->d_name[0] != '.';
  return static_cast<double>(entries - 1);
}

class answer {
 public:
  void add(MetricType type, std::string name, std::string help, double value) {
    prometheus::ClientMetric metric;
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    families_.push_back({std::move(name), std::move(help), type, {std::move(metric)}});
  }
  std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

void add_stat(answer& out, const process_stat& stat, std::optional<std::uint64_t> boot_time) {
  const auto per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  out.add(MetricType::Counter, "process_cpu_seconds_total", "User and system CPU time spent, in seconds.",
          static_cast<double>(stat.user_ticks + stat.system_ticks) / per_second);
  out.add(MetricType::Gauge, "process_resident_memory_bytes", "Resident memory size, in bytes.",
          static_cast<double>(stat.resident_pages) * page);
  out.add(MetricType::Gauge, "process_virtual_memory_bytes", "Virtual memory size, in bytes.",
          static_cast<double>(stat.virtual_bytes));
  out.add(MetricType::Gauge, "process_threads", "Number of threads.", static_cast<double>(stat.threads));
  if (boot_time) {
    out.add(MetricType::Gauge, "process_start_time_seconds", "When the process started, in Unix time.",
            static_cast<double>(*boot_time) + static_cast<double>(stat.start_ticks) / per_second);
  }
}

}  // namespace

std::optional<process_stat> parse_process_stat(std::string_view line) {
  const auto name_end = line.rfind(") ");
  if (name_end == std::string_view::npos) return std::nullopt;
  line.remove_prefix(name_end + 2);
  // Fields by their number in proc(5); the first one after the name is 3.
  std::array<std::optional<std::uint64_t>, 25> field{};
  for (std::size_t i = 3; i < field.size(); ++i) {
    const auto end = line.find_first_of(" \n");
    field[i] = number(line.substr(0, end));  // not all are unsigned numbers, but ours are
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  if (!field[14] || !field[15] || !field[20] || !field[22] || !field[23] || !field[24]) return std::nullopt;
  return process_stat{.user_ticks = *field[14],
                      .system_ticks = *field[15],
                      .threads = *field[20],
                      .start_ticks = *field[22],
                      .virtual_bytes = *field[23],
                      .resident_pages = *field[24]};
}

std::optional<std::uint64_t> parse_boot_time(std::string_view text) {
  constexpr std::string_view key = "\nbtime ";
  const auto at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + key.size());
  return number(text.substr(0, text.find('\n')));
}

std::vector<prometheus::MetricFamily> process_collector::Collect() const {
  answer out;
  const auto line = read_file(proc_ + "/self/stat");
  if (const auto stat = line ? parse_process_stat(*line) : std::nullopt) {
    const auto machine = read_file(proc_ + "/stat");
    add_stat(out, *stat, machine ? parse_boot_time(*machine) : std::nullopt);
  }
  if (const auto open = open_descriptors(proc_ + "/self/fd")) {
    out.add(MetricType::Gauge, "process_open_fds", "Number of open file descriptors.", *open);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    out.add(MetricType::Gauge, "process_max_fds", "Maximum number of open file descriptors.",
            static_cast<double>(limit.rlim_cur));
  }
  return out.take();
}

}  // namespace gateway::metrics
