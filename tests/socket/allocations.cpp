// What the hot path takes from the heap, counted in the real program (counted/counting_new.cpp).
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <map>

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
  // How often each thread of the process was woken up and ran.
  std::map<std::int32_t, std::uint64_t> runs(pid_t process) const {
    std::map<std::int32_t, std::uint64_t> all;
    for (const auto& one : counts_->each) {
      if (one.thread == 0) continue;
      std::ifstream accounting{"/proc/" + std::to_string(process) + "/task/" + std::to_string(one.thread) +
                               "/schedstat"};
      std::uint64_t ran = 0;
      std::uint64_t waited = 0;
      accounting >> ran >> waited >> all[one.thread];
    }
    return all;
  }
  // The thread of the event loop: the one that was woken up most since then, while requests were served. (Not the one
  // that worked longest: the main thread reads the configuration again meanwhile, which takes it longer than they take
  // the loop.)
  std::int32_t busiest(pid_t process, std::map<std::int32_t, std::uint64_t> since) const {
    std::int32_t busiest = 0;
    std::uint64_t most = 0;
    for (const auto& [thread, often] : runs(process)) {
      if (const auto by = often - since[thread]; by > most) {
        most = by;
        busiest = thread;
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

// The documented request, with two pages that would share a place in a table of 64.
std::string request_with_rivals() {
  const auto place = [](std::string_view page) { return std::hash<std::string_view>{}(page) % 64; };
  const std::string success = "https://my-customerportal.com/success";
  std::string cancel;
  for (int i = 0; cancel.empty() || place(cancel) != place(success); ++i)
    cancel = "https://my-customerportal.com/error/" + std::to_string(i);
  return R"({"language":"de","price_zone_default":"AT","is_smart_optimization_active_default":true,"success_url":")" +
         success + R"(","cancel_url":")" + cancel + R"(","user_id":"a169451c-8525-4352-b8ca-070dd449a1a5"})";
}

TEST_CASE(
    "a creation that is handed on allocates nothing in the steady state, and uses its connection to Podero again") {
  std::vector<std::string> protocol;
  SUBCASE("over HTTP/1.1") {}
  SUBCASE("over HTTP/2") {
    protocol = {"--http2"};
  }
  const auto key = make_caller_key("portal");
  const counts_file counts;
  both_programs both{[&](configuration& c) {
                       with_everything(c, key);
                       c.environment = {"ALLOCATION_COUNTS=" + counts.path()};
                     },
                     protocol};
  auto caller = both.gateway.caller();
  const auto request = request_with_rivals();
  const auto send = [&](int times) {
    for (int i = 0; i < times; ++i) {
      const auto got = caller.call("POST", sessions_path, request, std::string{json_body} + key.header());
      if (got.status != 201) FAIL("answered with " << got.status << ": " << got.body);
    }
  };
  send(150);
  const auto earlier = counts.runs(both.gateway.process().pid());
  send(150);  // buffers have their sizes, frames and tables are there
  const auto loop = counts.busiest(both.gateway.process().pid(), earlier);
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
