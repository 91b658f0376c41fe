#include <doctest/doctest.h>

#include <deque>
#include <memory_resource>
#include <random>

#include "onboarding/sequence_index.hpp"

using gateway::onboarding::sequence_index;

namespace {

auto* const heap = std::pmr::new_delete_resource();

constexpr auto any = [](std::size_t) { return true; };

auto at(std::size_t place) {
  return [place](std::size_t one) { return one == place; };
}

}  // namespace

TEST_CASE("what was appended is found under its hash, by its place in the sequence, until it is forgotten") {
  sequence_index index{heap, heap};
  CHECK_FALSE(index.find(7, any));
  index.append(7);
  index.append(8);
  CHECK(index.find(7, any) == 0);
  CHECK(index.find(8, any) == 1);
  CHECK_FALSE(index.find(9, any));
  CHECK(index.size() == 2);
  index.forget_first();
  CHECK_FALSE(index.find(7, any));
  CHECK(index.find(8, any) == 0);
  CHECK(index.size() == 1);
  CHECK(index.forgotten() == 1);
}

TEST_CASE("nothing is found where nothing is, under the hash nought, too") {
  sequence_index index{heap, heap};
  CHECK_FALSE(index.find(0, any));
  index.append(0);
  CHECK(index.find(0, any) == 0);
  index.forget_first();
  CHECK_FALSE(index.find(0, any));
}

TEST_CASE(
    "of several with the same hash the one is found that is asked for, also where they are more than a line holds") {
  sequence_index index{heap, heap};
  for (int n = 0; n < 40; ++n) index.append(42);
  for (std::size_t place = 0; place < 40; ++place) CHECK(index.find(42, at(place)) == place);
  for (int n = 0; n < 30; ++n) index.forget_first();
  for (std::size_t place = 0; place < 10; ++place) CHECK(index.find(42, at(place)) == place);
  CHECK_FALSE(index.find(42, at(10)));
}

TEST_CASE("as a list does, with the oldest going as new ones come, however their hashes fall") {
  for (const std::uint64_t homes : {1U, 3U, 61U, 1U << 30}) {
    std::mt19937_64 random{homes};
    std::pmr::unsynchronized_pool_resource memory;
    sequence_index index{heap, &memory};
    std::deque<std::uint32_t> all;
    std::uint64_t forgotten = 0;
    for (int step = 0; step < 4000; ++step) {
      if (!all.empty() && (all.size() > 200 || random() % 3 == 0)) {
        index.forget_first();
        all.pop_front();
        ++forgotten;
      } else {
        all.push_back(static_cast<std::uint32_t>(random() % homes));
        index.append(all.back());
      }
      REQUIRE(index.size() == all.size());
      REQUIRE(index.forgotten() == forgotten);
      if (step % 100 != 0) continue;
      for (std::size_t place = 0; place < all.size(); ++place) REQUIRE(index.find(all[place], at(place)) == place);
      REQUIRE_FALSE(index.find(all.empty() ? 0 : all.front(), at(all.size())));
    }
  }
}

TEST_CASE("those that found their line full do not pile up") {
  struct counting final : std::pmr::memory_resource {
    std::size_t taken = 0;
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
      taken += bytes;
      return std::pmr::get_default_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
      taken -= bytes;
      std::pmr::get_default_resource()->deallocate(memory, bytes, alignment);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
  } memory;
  sequence_index index{heap, &memory};
  for (int n = 0; n < 20; ++n) index.append(42);
  for (int n = 0; n < 100'000; ++n) {
    index.append(42);
    index.forget_first();
  }
  CHECK(index.size() == 20);
  CHECK(memory.taken > 0);
  CHECK(memory.taken < 8 * 1024);
}
