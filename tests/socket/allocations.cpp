// What the hot path takes from the heap, counted in the real program (counted/counting_new.cpp).
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>

#include "socket/counted/counts.hpp"
#include "socket/started.hpp"

namespace {

using namespace gateway;
using namespace gateway::socket_tests;

class counts_file {
 public:
  counts_file() {
    folder_.write("counts", std::string(sizeof(allocation_counts), '\0'));
    const int file = ::open(path().c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(file >= 0);
    void* const memory = ::mmap(nullptr, sizeof(allocation_counts), PROT_READ, MAP_SHARED, file, 0);
    ::close(file);
    REQUIRE(memory != MAP_FAILED);
    counts_ = static_cast<const allocation_counts*>(memory);
  }
  ~counts_file() { ::munmap(const_cast<allocation_counts*>(counts_), sizeof *counts_); }
  counts_file(const counts_file&) = delete;
  counts_file& operator=(const counts_file&) = delete;

  std::string path() const { return folder_.path("counts"); }
  std::uint64_t of(std::int32_t thread) const {
    for (const auto& one : counts_->each)
      if (one.thread == thread) return one.allocations;
    FAIL("thread " << thread << " has not allocated anything: nothing is counted");
    return 0;
  }
  // The thread of the event loop: the one that works most while requests are served.
  std::int32_t busiest(pid_t process) const {
    std::int32_t busiest = 0;
    std::uint64_t most = 0;
    for (const auto& one : counts_->each) {
      if (one.thread == 0) continue;
      std::ifstream accounting{"/proc/" + std::to_string(process) + "/task/" + std::to_string(one.thread) +
                               "/schedstat"};
      std::uint64_t ran = 0;
      if (accounting >> ran; ran > most) {
        most = ran;
        busiest = one.thread;
      }
    }
    return busiest;
  }

 private:
  support::scratch_folder folder_;
  const allocation_counts* counts_ = nullptr;
};

// Everything on: a key, windows of account and caller, access and audit lines.
void with_everything(configuration& c, const caller_key& key) {
  c.account_more = "    limits: { requests: [ { rate: 100000, per: 1s } ], sessions: [ { rate: 100000, per: 1s } ] }\n";
  c.more = "threads: 1\n" + key.yaml + "\n    accounts: [ sandbox ]\n" +
           "    limits: { sandbox: { sessions: [ { rate: 100000, per: 1s } ] } }\n";
}

TEST_CASE(
    "a creation that is handed on allocates nothing in the steady state, and uses its connection to Podero again") {
  const auto key = make_caller_key("portal");
  const counts_file counts;
  both_programs both{[&](configuration& c) {
    with_everything(c, key);
    c.environment = {"ALLOCATION_COUNTS=" + counts.path()};
  }};
  auto caller = both.gateway.caller();
  const auto send = [&](int times) {
    for (int i = 0; i < times; ++i) {
      const auto got = create(caller, key.header());
      if (got.status != 201) FAIL("answered with " << got.status << ": " << got.body);
    }
  };
  send(300);  // buffers have their sizes, frames and tables are there
  const auto loop = counts.busiest(both.gateway.process().pid());
  REQUIRE(loop != 0);
  const auto before = counts.of(loop);
  constexpr int requests = 1000;
  send(requests);
  const auto allocated = counts.of(loop) - before;
  MESSAGE("allocations of the loop in " << requests << " creations: " << allocated);
  // Not by request: the memory of who made which session grows in ever larger pieces, and a scrape or a tick may come
  // by.
  CHECK(allocated < requests / 20);

  const auto again = both.gateway.metric(
      R"(onboarding_gateway_upstream_connection_uses_total{account="sandbox",connection="reused"})");
  const auto fresh =
      both.gateway.metric(R"(onboarding_gateway_upstream_connection_uses_total{account="sandbox",connection="new"})");
  CHECK(again + fresh >= 1300);
  CHECK(again / (again + fresh) >= 0.999);
}

}  // namespace
