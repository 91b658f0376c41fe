#include "foundation/metrics/process.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

using namespace gateway;

namespace {

// A line as Linux writes it (proc(5)), of a process whose name tries to mislead.
constexpr std::string_view stat_line =
    "4711 (a) b (c) S 1 4711 4711 0 -1 4194560 2091 0 3 0 250 150 7 8 20 0 5 0 12345 730443776 3127 "
    "18446744073709551615 1 1 0 0 0 0 0 4096 17642 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

std::map<std::string, double> values(const prometheus::Collectable& of) {
  std::map<std::string, double> out;
  for (const auto& family : of.Collect()) {
    const auto& metric = family.metric.at(0);
    out[family.name] = family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
  }
  return out;
}

// A directory that looks like /proc, gone at the end of the test.
struct proc_directory {
  proc_directory() {
    std::string form = (std::filesystem::temp_directory_path() / "gateway-proc-XXXXXX").string();
    REQUIRE(::mkdtemp(form.data()) != nullptr);
    path = form;
    std::filesystem::create_directories(path / "self" / "fd");
  }
  ~proc_directory() { std::filesystem::remove_all(path); }
  void write(const char* name, std::string_view text) const { std::ofstream{path / name} << text; }
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("the fields of /proc/self/stat are found although the name holds spaces and parentheses") {
  const auto stat = metrics::parse_process_stat(stat_line);
  REQUIRE(stat);
  CHECK(stat->user_ticks == 250);
  CHECK(stat->system_ticks == 150);
  CHECK(stat->threads == 5);
  CHECK(stat->start_ticks == 12345);
  CHECK(stat->virtual_bytes == 730443776);
  CHECK(stat->resident_pages == 3127);
}

TEST_CASE("a stat line that is cut off or not of that form gives nothing") {
  CHECK_FALSE(metrics::parse_process_stat(""));
  CHECK_FALSE(metrics::parse_process_stat("4711 (a"));
  CHECK_FALSE(metrics::parse_process_stat(stat_line.substr(0, 60)));
  CHECK_FALSE(metrics::parse_process_stat("4711 (a) S 1 1 1 0 -1 1 1 0 3 0 x y 7 8 20 0 5 0 1 1 1"));
}

TEST_CASE("the boot time is the btime line of /proc/stat") {
  CHECK(metrics::parse_boot_time("cpu 1 2\nctxt 5\nbtime 1700000000\nprocesses 7\n") == 1'700'000'000);
  CHECK_FALSE(metrics::parse_boot_time("cpu 1 2\n"));
  CHECK_FALSE(metrics::parse_boot_time("cpu 1\nbtime soon\n"));
}

TEST_CASE("the process families are computed from what /proc says") {
  const proc_directory proc;
  proc.write("self/stat", stat_line);
  proc.write("stat", "cpu 1 2\nbtime 1700000000\n");
  for (const char* name : {"self/fd/0", "self/fd/1", "self/fd/9"}) proc.write(name, "");

  const auto seen = values(metrics::process_collector{proc.path.string()});
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  CHECK(seen.at("process_cpu_seconds_total") == 400 / ticks);
  CHECK(seen.at("process_virtual_memory_bytes") == 730443776);
  CHECK(seen.at("process_resident_memory_bytes") == 3127 * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  CHECK(seen.at("process_threads") == 5);
  CHECK(seen.at("process_start_time_seconds") == 1'700'000'000 + 12345 / ticks);
  CHECK(seen.at("process_open_fds") == 2);  // one of the three is the count's own
}

TEST_CASE("what /proc does not tell is left out rather than shown as zero") {
  const auto seen = values(metrics::process_collector{"/nonexistent"});
  CHECK(seen.size() == 1);
  CHECK(seen.contains("process_max_fds"));
}

TEST_CASE("the process that runs this test is described plausibly") {
  const auto seen = values(metrics::process_collector{});
  const auto now = std::chrono::duration<double>{std::chrono::system_clock::now().time_since_epoch()}.count();
  CHECK(seen.at("process_resident_memory_bytes") > 100'000);
  CHECK(seen.at("process_virtual_memory_bytes") >= seen.at("process_resident_memory_bytes"));
  CHECK(seen.at("process_threads") >= 1);
  CHECK(seen.at("process_open_fds") >= 3);
  CHECK(seen.at("process_max_fds") > seen.at("process_open_fds"));
  CHECK(seen.at("process_start_time_seconds") > now - 3600);
  CHECK(seen.at("process_start_time_seconds") < now + 60);  // the boot time is a whole second
}
