// What a request costs before and after it is decided about: the guard over its head, the pass over its body, its
// counters.
#include <benchmark/benchmark.h>

#include "micro/work.hpp"

namespace {

template <class Work>
void once(benchmark::State& state) {
  Work work;
  for (auto _ : state) work();
}

using gateway::bench::counting;
using gateway::bench::json_pass;
using gateway::bench::request_guard;

BENCHMARK(once<request_guard>)->Name("request_guard");
BENCHMARK(once<json_pass>)->Name("json_pass");
BENCHMARK(once<counting>)->Name("counting");

}  // namespace

BENCHMARK_MAIN();
