#include "tls/memory.hpp"

#include <doctest/doctest.h>

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "foundation/transport/memory.hpp"
#include "support/certificates.hpp"
#include "support/loop_fixture.hpp"
#include "tls/stream.hpp"

namespace {

using namespace gateway;
using support::certificates;
using transport::io_status;
using transport::memory_channel;
using transport::task;

// Before anything else of this program uses OpenSSL: all its tests run with it.
const bool apart = tls::keep_buffers_apart();

constexpr std::size_t most_at_hand = 32;
constexpr std::size_t large = std::size_t{16} * 1024;

TEST_CASE("large pieces are kept apart, a few of them at hand") {
  REQUIRE(apart);
  const auto before = tls::count_buffers().large;
  std::vector<void*> pieces;
  for (int i = 0; i < 100; ++i) {
    pieces.push_back(OPENSSL_malloc(large));
    REQUIRE(pieces.back() != nullptr);
    std::memset(pieces.back(), i, large);
  }
  CHECK(std::set<void*>{pieces.begin(), pieces.end()}.size() == 100);
  for (int i = 0; i < 100; ++i) {
    const auto* const bytes = static_cast<const unsigned char*>(pieces[static_cast<std::size_t>(i)]);
    CHECK(std::all_of(bytes, bytes + large, [&](unsigned char c) { return c == i; }));
  }
  CHECK(tls::count_buffers().large >= 100);
  for (auto* piece : pieces) OPENSSL_free(piece);
  CHECK(tls::count_buffers().large <= std::max(before, most_at_hand));

  auto* const again = OPENSSL_malloc(large);
  CHECK(std::ranges::count(pieces, again) == 1);
  OPENSSL_free(again);
}

TEST_CASE("what grows keeps its bytes, wherever it comes to lie") {
  REQUIRE(apart);
  char* text = nullptr;
  std::size_t had = 0;
  for (const std::size_t size : {100UL, 4096UL, 5000UL, 16'000UL, 24'000UL, 100'000UL, 16'500UL, 4000UL, 10UL}) {
    CAPTURE(size);
    text = static_cast<char*>(OPENSSL_realloc(text, size));
    REQUIRE(text != nullptr);
    CHECK(std::all_of(text, text + std::min(had, size), [](char c) { return c == 'x'; }));
    std::memset(text, 'x', size);
    had = size;
  }
  OPENSSL_free(text);
}

TEST_CASE("a piece may be given back by another thread, whose own are given back with it") {
  REQUIRE(apart);
  const auto before = tls::count_buffers().large;
  std::vector<void*> pieces;
  for (int i = 0; i < 10; ++i) pieces.push_back(OPENSSL_malloc(large));
  std::thread{[&] {
    for (auto* piece : pieces) OPENSSL_free(piece);
    for (int i = 0; i < 10; ++i) OPENSSL_free(OPENSSL_malloc(large));
  }}.join();
  CHECK(tls::count_buffers().large <= before);
}

struct open_connections : support::loop_fixture {
  struct pair {
    std::unique_ptr<tls::stream> client;
    std::unique_ptr<tls::stream> server;
  };
  std::vector<pair> all;
  std::size_t shaken = 0;

  static task<> shake(tls::stream& of, std::size_t& done) {
    const auto result = co_await of.handshake();
    if (result) ++done;
  }
  void open(tls::client_context& from, tls::server_context& to) {
    auto [a, b] = memory_channel::make_pair(loop.ready(), 64 * 1024);
    all.push_back({std::make_unique<tls::stream>(std::move(a), from.connect("podero.test")),
                   std::make_unique<tls::stream>(std::move(b), to.accept())});
    loop.spawn(shake(*all.back().client, shaken));
    loop.spawn(shake(*all.back().server, shaken));
    settle();
  }
};

// Both buffers of one took 33 KiB, two thirds of what a request that waited for Podero took in all.
TEST_CASE_FIXTURE(open_connections, "a connection that waits holds no buffers, also after a ticket has come") {
  REQUIRE(apart);
  const auto trust = support::trusting(certificates().authority);
  const auto serve = support::serving(certificates().server);
  constexpr std::size_t connections = 100;
  for (std::size_t i = 0; i < connections; ++i) open(*trust, *serve);
  REQUIRE(shaken == 2 * connections);
  std::array<char, 100> into{};
  for (auto& one : all) {
    // The tickets are there, and nothing else.
    REQUIRE(one.client->try_read(into).status == io_status::want_read);
  }
  CHECK(tls::count_buffers().large <= most_at_hand);
  for (auto& one : all) {
    REQUIRE(one.client->try_write(std::string_view{"asked"}).status == io_status::done);
    REQUIRE(one.server->try_read(into).bytes == 5);
    REQUIRE(one.server->try_read(into).status == io_status::want_read);
    REQUIRE(one.client->try_read(into).status == io_status::want_read);
  }
  CHECK(tls::count_buffers().large <= most_at_hand);
  CHECK(tls::count_buffers().small <= most_at_hand);
  all.clear();
}

}  // namespace
