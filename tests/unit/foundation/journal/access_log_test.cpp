#include "foundation/journal/access_log.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include <string>

#include "pipe.hpp"

using namespace gateway;
using namespace std::chrono_literals;
using journal::access_entry;
using journal::access_log;
using journal::format;

namespace {

access_entry full_entry() {
  access_entry entry;
  entry.at = std::chrono::sys_days{std::chrono::year{2026} / 1 / 2} + 3h + 4min + 5s + 678ms;
  entry.request_id = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
  entry.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  entry.caller = "customer-portal";
  entry.peer = "203.0.113.7";
  entry.account = "sandbox";
  entry.route = "create-session";
  entry.method = "POST";
  entry.code = 502;
  entry.severity = journal::level::error;
  entry.problem = "upstream-error";
  entry.effect = "unknown";
  entry.upstream_status = 503;
  entry.duration = 12'345'678ns;
  entry.queue = 0ns;
  entry.token = 1ms;
  entry.connect = 2500us;
  entry.upstream = 8s;
  return entry;
}

access_entry short_entry() {
  access_entry entry;
  entry.at = std::chrono::sys_days{std::chrono::year{2026} / 1 / 2};
  entry.request_id = "r1";
  entry.route = "health";
  entry.code = 200;
  entry.duration = 50us;
  return entry;
}

std::string line_of(const access_entry& entry, format style) {
  const small_pipe pipe{true};
  journal::output to{pipe.writing_end()};
  access_log log{to, {.style = style}};
  log.append(entry);
  CHECK(log.flush());
  return pipe.read();
}

const std::string short_line =
    R"({"time":"2026-01-02T00:00:00.000Z","level":"info","msg":"request","request_id":"r1","route":"health",)"
    R"("code":200,"duration_ms":0.050})"
    "\n";

}  // namespace

TEST_CASE("an audit line names who made which session, and can be told from others") {
  const small_pipe pipe{true};
  journal::output to{pipe.writing_end()};
  access_log log{to, {.style = format::json}};
  journal::audit_entry made;
  made.at = std::chrono::sys_days{std::chrono::year{2026} / 1 / 2};
  made.message = "session created";
  made.request_id = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
  made.line = 7;
  made.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  made.caller = "customer-portal";
  made.account = "sandbox";
  made.effect = "created";
  made.session = "497f6eca-6276-4993-bfeb-53cbbbba6f08";
  made.key_fingerprint = "0123456789abcdef";
  log.append(made);
  CHECK(log.flush());
  CHECK(pipe.read() ==
        R"({"time":"2026-01-02T00:00:00.000Z","level":"info","msg":"session created",)"
        R"("request_id":"f47ac10b-58cc-4372-a567-0e02b2c3d479","line":7,)"
        R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","caller":"customer-portal","account":"sandbox",)"
        R"("effect":"created","session":"497f6eca-6276-4993-bfeb-53cbbbba6f08","key_fingerprint":"0123456789abcdef",)"
        R"("audit":true})"
        "\n");
}

TEST_CASE("an access line holds every member in the contract's order, and the stages that happened") {
  CHECK(line_of(full_entry(), format::json) ==
        R"({"time":"2026-01-02T03:04:05.678Z","level":"error","msg":"request",)"
        R"("request_id":"f47ac10b-58cc-4372-a567-0e02b2c3d479","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",)"
        R"("caller":"customer-portal","peer":"203.0.113.7","account":"sandbox","route":"create-session",)"
        R"("method":"POST","code":502,)"
        R"("problem":"upstream-error","effect":"unknown","upstream_status":503,"duration_ms":12.345,)"
        R"("queue_ms":0.000,"token_ms":1.000,"connect_ms":2.500,"upstream_ms":8000.000})"
        "\n");
  CHECK(line_of(full_entry(), format::text) ==
        "2026-01-02T03:04:05.678Z ERROR request request_id=f47ac10b-58cc-4372-a567-0e02b2c3d479 "
        "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 caller=customer-portal peer=203.0.113.7 account=sandbox "
        "route=create-session method=POST code=502 problem=upstream-error effect=unknown upstream_status=503 "
        "duration_ms=12.345 queue_ms=0.000 "
        "token_ms=1.000 connect_ms=2.500 upstream_ms=8000.000\n");
}

TEST_CASE("the line of a batch says what became of its lines") {
  auto entry = short_entry();
  entry.batch = {.lines = 50, .created = 4, .reused = 3, .replayed = 2, .failed = 31, .complete = false};
  CHECK(line_of(entry, format::json)
            .contains(R"("code":200,"lines":50,"created":4,"reused":3,"replayed":2,"failed":31,"complete":false,)"));
}

TEST_CASE("that the caller left is in the line, and that it did not is not") {
  auto entry = short_entry();
  CHECK_FALSE(line_of(entry, format::json).contains("caller_left"));
  entry.caller_left = true;
  CHECK(line_of(entry, format::json).contains(R"("code":200,"caller_left":true,"duration_ms":)"));
}

TEST_CASE("what did not happen is left out of the line") {
  CHECK(line_of(short_entry(), format::json) == short_line);
  CHECK(line_of(short_entry(), format::text) ==
        "2026-01-02T00:00:00.000Z INFO  request request_id=r1 route=health code=200 duration_ms=0.050\n");
}

TEST_CASE("a name with quotes and line breaks stays inside its member") {
  auto entry = short_entry();
  entry.caller = "a\"b\nc";
  const auto line = line_of(entry, format::json);
  CHECK(boost::json::parse(line).as_object().at("caller") == "a\"b\nc");
  CHECK(line.find('\n') == line.size() - 1);
  CHECK(line_of(entry, format::text).contains(R"( caller="a\"b\nc" )"));
}

TEST_CASE("lines wait until they are flushed, and many ask for it") {
  const small_pipe pipe{true};
  journal::output to{pipe.writing_end()};
  access_log log{to, {}};
  log.append(short_entry());
  CHECK(pipe.read() == "");
  CHECK(log.pending() == short_line.size());
  while (log.pending() + short_line.size() <= access_log::many) log.append(short_entry());
  CHECK_FALSE(log.should_flush());
  log.append(short_entry());
  CHECK(log.should_flush());
}

TEST_CASE("what a slow reader does not take stays, in order, and lines never break") {
  const small_pipe pipe{false};
  journal::output to{pipe.writing_end()};
  access_log log{to, {}};
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    const std::string id = "r" + std::to_string(i);
    auto entry = short_entry();
    entry.request_id = id;
    log.append(entry);
    expected += std::string{short_line}.replace(short_line.find("r1"), 2, id);
  }
  CHECK(log.pending() == expected.size());
  CHECK_FALSE(log.flush());
  CHECK(log.pending() < expected.size());
  CHECK(log.pending() > 0);
  std::string seen = pipe.read();
  CHECK(seen.ends_with("}\n"));
  while (!log.flush()) seen += pipe.read();
  seen += pipe.read();
  CHECK(seen == expected);
  CHECK(log.pending() == 0);
}

TEST_CASE("when memory is full whole lines are dropped and counted, and room made by the reader is used again") {
  const small_pipe pipe{true};
  journal::output to{pipe.writing_end()};
  access_log log{to, {.capacity = 100 * short_line.size() + 10}};
  for (int i = 0; i < 103; ++i) log.append(short_entry());
  CHECK(log.dropped() == 3);
  CHECK(log.pending() == 100 * short_line.size());

  CHECK_FALSE(log.flush());
  const auto gone = 100 - log.pending() / short_line.size();
  REQUIRE(gone > 0);
  CHECK(log.pending() % short_line.size() == 0);
  for (std::size_t i = 0; i < gone; ++i) log.append(short_entry());
  CHECK(log.dropped() == 3);
  log.append(short_entry());
  CHECK(log.dropped() == 4);

  std::string seen;
  do {
    seen += pipe.read();
  } while (!log.flush());
  seen += pipe.read();
  std::string expected;
  for (std::size_t i = 0; i < 100 + gone; ++i) expected += short_line;
  CHECK(seen == expected);
  CHECK(to.dropped() == 0);
}

TEST_CASE("a loop without requests sends the events that had to wait") {
  const small_pipe pipe{true};
  journal::output to{pipe.writing_end()};
  access_log log{to, {}};
  pipe.fill();
  to.post("event\n");
  pipe.read();
  CHECK(log.flush());
  CHECK(pipe.read() == "event\n");
}

TEST_CASE("a line longer than the whole memory is dropped") {
  const small_pipe pipe{true};
  journal::output to{pipe.writing_end()};
  access_log log{to, {.capacity = 64}};
  log.append(full_entry());
  CHECK(log.dropped() == 1);
  CHECK(log.pending() == 0);
  CHECK(log.flush());
}
