#include "chaos/crowd.hpp"

#include <optional>
#include <random>

#include "socket/podero_log.hpp"

namespace gateway::chaos_tests {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using socket_tests::connection;

namespace {

constexpr unsigned expected[] = {200, 201, 409, 429, 502, 503, 504};

}  // namespace

crowd::crowd(const cluster& at, int callers) : at_{at} {
  for (int i = 0; i < callers; ++i) threads_.emplace_back([this, i] { ask(i); });
}

crowd::~crowd() {
  stop();
}

void crowd::stop() {
  stop_ = true;
  threads_.clear();
}

void crowd::ask(int caller) {
  std::minstd_rand dice{static_cast<unsigned>(caller) + 1};
  std::optional<connection> over;
  unsigned short port = 0;
  for (int round = 0; !stop_; ++round) {
    const auto number = caller * 100'000 + round / 2;
    // Every second caller has keys, and uses each of them twice: mostly at different replicas.
    const auto key = caller % 2 == 0 ? "key-" + std::to_string(number) : std::string{};
    auto headers = std::string{socket_tests::json_body} + "Prefer: wait=" + std::to_string(wait.count()) + "\r\n";
    if (!key.empty()) headers += "Idempotency-Key: " + key + "\r\n";
    const auto began = clock::now();
    try {
      if (const auto now = at_.port(dice() % replicas); !over || now != port || dice() % 8 == 0) {
        over.reset();
        if ((port = now) == 0) {
          std::this_thread::sleep_for(20ms);
          continue;
        }
        over.emplace(port);
      }
      const auto got = over->call("POST", socket_tests::sessions_path, socket_tests::body_for(number), headers);
      note(got, key, clock::now() - began);
      if (!got.keep_alive) over.reset();
      if (got.status > 299) std::this_thread::sleep_for(150ms);
    } catch (const std::exception&) {
      over.reset();
      const std::lock_guard lock{mutex_};
      ++seen_.cut_off;
    }
  }
}

void crowd::note(const socket_tests::answer& got, const std::string& key, clock::duration took) {
  const std::lock_guard lock{mutex_};
  ++seen_.statuses[got.status];
  seen_.longest = std::max(seen_.longest, std::chrono::duration_cast<std::chrono::milliseconds>(took));
  if (std::ranges::find(expected, got.status) == std::end(expected)) seen_.unexpected = got.head + got.body;
  if (!key.empty() && (got.status == 200 || got.status == 201))
    seen_.sessions[key].insert(socket_tests::text_in(got.json(), "id"));
}

}  // namespace gateway::chaos_tests
