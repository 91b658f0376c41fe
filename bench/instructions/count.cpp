// count NAME TIMES: does one sort of work so often, for callgrind to count (bench/instructions/run). The same every
// time: no clock, no randomness, no thread.
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <string_view>

#include "micro/work.hpp"

namespace {

template <class Work>
int repeat(long times) {
  Work work;
  for (long i = 0; i < times; ++i) work();
  return 0;
}

}  // namespace

int main(int count, char** words) {
  using namespace gateway::bench;
  if (count != 3) return 2;
  const std::string_view name = words[1];
  const long times = std::atol(words[2]);
  try {
    if (name == "limiter_decision") return repeat<grant>(times);
    if (name == "request_guard") return repeat<request_guard>(times);
    if (name == "json_pass") return repeat<json_pass>(times);
  } catch (const std::exception& failure) {
    std::cerr << name << ": " << failure.what() << '\n';
    return 1;
  }
  return 2;
}
