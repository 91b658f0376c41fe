#include "foundation/journal/log.hpp"

#include <doctest/doctest.h>

#include "foundation/secrets/secret.hpp"

#include <boost/json/parse.hpp>

#include <limits>
#include <string>
#include <thread>
#include <type_traits>

using namespace gateway;
using namespace std::chrono_literals;
using journal::format;
using journal::level;

// Nobody logs a secret by accident: it does not compile.
static_assert(!std::is_constructible_v<journal::value, secrets::secret>);
static_assert(!std::is_constructible_v<journal::value, const secrets::secret&>);
static_assert(!std::is_constructible_v<journal::value, void*>);
static_assert(!std::is_constructible_v<journal::value, std::nullptr_t>);
static_assert(!std::is_convertible_v<secrets::secret, std::string_view>);

namespace {

struct fixture {
  explicit fixture(format style, level threshold = level::info)
      : log{lines, clock, {.threshold = threshold, .style = style}} {
    clock.advance(3h + 4min + 5s + 678ms);
  }
  std::string last() const { return lines.lines().back(); }

  time::manual_clock clock{std::chrono::sys_days{2026y / 1 / 2}};
  journal::memory_sink lines;
  journal::log log;
};

}  // namespace

TEST_CASE("an event is one JSON object: time, level, message, then its members in order") {
  fixture f{format::json};
  const std::string name = "sandbox";
  f.log.info("token renewed", {{"account", name}, {"expires_in_s", 36000}, {"ratio", 0.5}, {"first", true}});
  CHECK(f.last() == R"({"time":"2026-01-02T03:04:05.678Z","level":"info","msg":"token renewed","account":"sandbox",)"
                    R"("expires_in_s":36000,"ratio":0.5,"first":true})");
}

TEST_CASE("a text that is not there leaves its member out, an empty one does not") {
  fixture f{format::json};
  const std::optional<std::string_view> none;
  f.log.info("odd", {{"a", none}, {"b", std::optional<std::string_view>{"x"}}, {"c", none}, {"d", ""}});
  CHECK(f.last() == R"({"time":"2026-01-02T03:04:05.678Z","level":"info","msg":"odd","b":"x","d":""})");
}

TEST_CASE("an event for people is one line with name=value pairs, quoted where needed") {
  fixture f{format::text, level::debug};
  f.log.info("token renewed", {{"account", "sandbox"}, {"expires_in_s", 36000}});
  CHECK(f.last() == "2026-01-02T03:04:05.678Z INFO  token renewed account=sandbox expires_in_s=36000");
  f.log.warn("odd answer", {{"detail", "two words"}, {"empty", ""}, {"ok", false}});
  CHECK(f.last() == R"(2026-01-02T03:04:05.678Z WARN  odd answer detail="two words" empty="" ok=false)");
  f.log.error("broken");
  CHECK(f.last() == "2026-01-02T03:04:05.678Z ERROR broken");
  f.log.debug("detail");
  CHECK(f.last() == "2026-01-02T03:04:05.678Z DEBUG detail");
}

TEST_CASE("the levels have their names in JSON") {
  fixture f{format::json, level::debug};
  f.log.debug("x");
  CHECK(f.last().contains(R"("level":"debug")"));
  f.log.warn("x");
  CHECK(f.last().contains(R"("level":"warn")"));
  f.log.error("x");
  CHECK(f.last().contains(R"("level":"error")"));
}

TEST_CASE("nothing that comes in can forge a line or break the JSON") {
  fixture json{format::json};
  const std::string evil = "a\"}\n{\"level\":\"error\"\xff";
  json.log.info(evil, {{"detail", evil}});
  const auto read = boost::json::parse(json.last()).as_object();
  CHECK(read.at("level") == "info");
  CHECK(read.at("detail") == "a\"}\n{\"level\":\"error\"\xef\xbf\xbd");
  CHECK_FALSE(json.last().contains('\n'));

  fixture text{format::text};
  text.log.info("a\nb", {{"detail", "c\x1b[2Jd"}});
  CHECK(text.last() == R"(2026-01-02T03:04:05.678Z INFO  "a\nb" detail="c\u001b[2Jd")");
}

TEST_CASE("a line of any length is written whole, also when every byte of it is escaped") {
  fixture f{format::json};
  const std::string long_text(20'000, '\x01');
  f.log.info(long_text, {{"detail", long_text}, {"more", 1}});
  const auto read = boost::json::parse(f.last()).as_object();
  CHECK(read.at("msg").as_string() == long_text);
  CHECK(read.at("detail").as_string() == long_text);
  CHECK(read.at("more") == 1);
}

TEST_CASE("numbers of every kind are written; what is too great for 64 signed bits is the greatest") {
  fixture f{format::json};
  f.log.info("n", {{"a", -1}, {"b", std::uint8_t{200}}, {"c", std::size_t{5}}, {"d", 2.0F}, {"e", 1L}});
  CHECK(f.last().ends_with(R"("a":-1,"b":200,"c":5,"d":2,"e":1})"));
  f.log.info("n", {{"a", std::numeric_limits<std::uint64_t>::max()}});
  CHECK(f.last().ends_with(R"("a":9223372036854775807})"));
  f.log.info("n", {{"a", std::numeric_limits<double>::quiet_NaN()}});
  CHECK(f.last().ends_with(R"("a":null})"));
}

TEST_CASE("what is below the level is not written, and the level changes at run time") {
  fixture f{format::json, level::warning};
  f.log.info("no");
  f.log.debug("no");
  CHECK(f.lines.lines().empty());
  CHECK_FALSE(f.log.enabled(level::info));

  f.log.set_threshold(level::debug);
  CHECK(f.log.threshold() == level::debug);
  f.log.debug("yes");
  f.log.set_threshold(level::error);
  f.log.warn("no");
  f.log.error("yes");
  CHECK(f.lines.lines().size() == 2);
}

TEST_CASE("the time is the wall clock's, also after somebody set it back") {
  fixture f{format::text};
  f.clock.jump_wall(-1h);
  f.log.info("x");
  CHECK(f.last().starts_with("2026-01-02T02:04:05.678Z"));
}

TEST_CASE("two threads log at once: every line arrives whole, none is lost") {
  fixture f{format::json};
  const auto speak = [&f](std::string_view who) {
    for (int i = 0; i < 500; ++i) f.log.info("said", {{"who", who}, {"i", i}});
  };
  std::thread one{speak, "one"};
  std::thread two{speak, "two"};
  f.log.set_threshold(level::debug);
  one.join();
  two.join();
  const auto lines = f.lines.lines();
  CHECK(lines.size() == 1000);
  std::size_t whole = 0;
  for (const auto& line : lines) whole += boost::json::parse(line).as_object().at("msg") == "said" ? 1 : 0;
  CHECK(whole == 1000);
}

TEST_CASE("levels and formats are found by the names of the configuration") {
  CHECK(journal::parse_level("debug") == level::debug);
  CHECK(journal::parse_level("info") == level::info);
  CHECK(journal::parse_level("warn") == level::warning);
  CHECK(journal::parse_level("error") == level::error);
  CHECK(journal::parse_level("INFO") == std::nullopt);
  CHECK(journal::parse_level("") == std::nullopt);
  CHECK(journal::parse_format("json") == format::json);
  CHECK(journal::parse_format("text") == format::text);
  CHECK(journal::parse_format("xml") == std::nullopt);
}
