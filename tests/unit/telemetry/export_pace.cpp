#include "telemetry/export_pace.hpp"

#include <doctest/doctest.h>

using namespace gateway::telemetry;
using namespace std::chrono_literals;

TEST_CASE("answers of the collector are acceptance, refusal, or a reason to come again") {
  for (const unsigned status : {200U, 202U}) CHECK(end_of(status) == export_end::accepted);
  for (const unsigned status : {301U, 400U, 401U, 404U, 500U}) CHECK(end_of(status) == export_end::refused);
  for (const unsigned status : {429U, 502U, 503U, 504U}) CHECK(end_of(status) == export_end::failed);
}

TEST_CASE("a batch that fails is tried four times, further and further apart, then the next one has its turn") {
  export_pace pace;
  for (const auto wait : {1s, 2s, 4s}) {
    const auto next = pace.after(export_end::failed);
    CHECK(next.keep);
    CHECK(next.wait == wait);
  }
  const auto last = pace.after(export_end::failed);
  CHECK_FALSE(last.keep);
  CHECK(last.wait == 8s);
  CHECK(pace.after(export_end::failed).keep);
}

TEST_CASE("the waits stay below half a minute and start over after a success") {
  export_pace pace;
  for (int i = 0; i < 20; ++i) pace.after(export_end::failed);
  CHECK(pace.after(export_end::failed).wait == 30s);
  CHECK(pace.failing());
  CHECK_FALSE(pace.after(export_end::accepted).keep);
  CHECK_FALSE(pace.failing());
  CHECK(pace.after(export_end::failed).wait == 1s);
}

TEST_CASE("a wait that the collector asks for is kept, within reason") {
  export_pace pace;
  CHECK(pace.after(export_end::failed, 7s).wait == 7s);
  CHECK(pace.after(export_end::failed, 1h).wait == 30s);
  CHECK(pace.after(export_end::failed, 0s).wait == 1s);
}

TEST_CASE("what is refused is not tried again, and counts as failing for the log alone") {
  export_pace pace;
  const auto next = pace.after(export_end::refused);
  CHECK_FALSE(next.keep);
  CHECK(next.wait == 0s);
  CHECK(pace.failing());
}
