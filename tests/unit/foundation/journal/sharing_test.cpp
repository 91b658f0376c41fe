#include <doctest/doctest.h>

#include "foundation/journal/access_log.hpp"
#include "foundation/journal/log.hpp"

#include <boost/json/parse.hpp>

#include <unistd.h>

#include <cstdlib>
#include <map>
#include <string>
#include <thread>

using namespace gateway;

namespace {

constexpr int each = 2000;

void serve(journal::output& to, std::string_view route) {
  journal::access_log log{to, {}};
  journal::access_entry entry;
  entry.route = route;
  for (int i = 0; i < each; ++i) {
    log.append(entry);
    if (log.should_flush()) log.flush();
  }
  while (!log.flush()) std::this_thread::yield();
}

}  // namespace

TEST_CASE("two loops and a log share a descriptor: every line is whole and none is lost") {
  std::string name = "/tmp/gateway-sharing-XXXXXX";
  const int file = ::mkstemp(name.data());
  REQUIRE(file >= 0);
  ::unlink(name.c_str());
  {
    const time::manual_clock clock;
    journal::output to{file};
    journal::output_sink sink{to};
    journal::log log{sink, clock, {}};
    std::thread one{serve, std::ref(to), "one"};
    std::thread two{serve, std::ref(to), "two"};
    for (int i = 0; i < each; ++i) log.info("event", {{"route", "none"}});
    one.join();
    two.join();
    CHECK(to.dropped() == 0);
  }
  std::string seen(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)), '\0');
  REQUIRE(::pread(file, seen.data(), seen.size(), 0) == static_cast<ssize_t>(seen.size()));
  ::close(file);

  std::map<std::string, int> lines;
  for (std::size_t at = 0; at < seen.size();) {
    const auto end = seen.find('\n', at);
    REQUIRE(end != std::string::npos);
    const auto line = boost::json::parse(std::string_view{seen}.substr(at, end - at));
    ++lines[std::string{line.as_object().at("route").as_string()}];
    at = end + 1;
  }
  CHECK(lines == std::map<std::string, int>{{"none", each}, {"one", each}, {"two", each}});
}
