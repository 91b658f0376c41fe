#include "foundation/transport/text_cache.hpp"

#include <doctest/doctest.h>

#include <array>
#include <thread>

using gateway::transport::text_cache;

namespace {

struct fresh {
  fresh() { text_cache::trim(); }
  ~fresh() { text_cache::trim(); }
};

std::string with_memory(std::size_t size) {
  std::string text;
  text.reserve(size);
  text = "something";
  return text;
}

}  // namespace

TEST_CASE_FIXTURE(fresh, "the last memory given back goes first, and is empty") {
  auto first = with_memory(1000);
  auto second = with_memory(2000);
  const auto* const place = second.data();
  text_cache::give(first);
  text_cache::give(second);
  CHECK(first.capacity() < text_cache::least);
  std::string next;
  text_cache::take(next);
  CHECK(next.data() == place);
  CHECK(next.empty());
  text_cache::take(next);  // it has some
  CHECK(next.data() == place);
  std::string other;
  text_cache::take(other);
  CHECK(other.capacity() >= 1000);
  std::string last;
  text_cache::take(last);  // there is none left
  CHECK(last.capacity() < text_cache::least);
}

TEST_CASE_FIXTURE(fresh, "what is too small or too large is not kept, nor more than a few") {
  std::string small = "small";
  text_cache::give(small);
  CHECK(small.empty());
  auto large = with_memory(text_cache::most + 1);
  text_cache::give(large);
  CHECK(large.capacity() <= text_cache::most);  // freed: nobody holds it
  std::string none;
  text_cache::take(none);
  CHECK(none.capacity() < text_cache::least);

  std::array<std::string, 100> many;
  for (auto& one : many) one = with_memory(1000);
  for (auto& one : many) text_cache::give(one);
  std::size_t kept = 0;
  for (auto& one : many) {
    text_cache::take(one);
    if (one.capacity() >= 1000) ++kept;
  }
  CHECK(kept > 0);
  CHECK(kept < many.size());
}

TEST_CASE_FIXTURE(fresh, "each thread has its own") {
  auto here = with_memory(1000);
  text_cache::give(here);
  std::size_t elsewhere = 0;
  std::thread{[&] {
    std::string text;
    text_cache::take(text);
    elsewhere = text.capacity();
  }}.join();
  CHECK(elsewhere < text_cache::least);
}
