// Writes docs/metrics.md to standard output (`make metrics-page`).
#include "foundation/metrics/gateway_metrics.hpp"

#include <cstdio>

int main() {
  gateway::metrics::catalogue families;
  const gateway::metrics::gateway_metrics declared{families};
  const auto page = gateway::metrics::render_page(families, gateway::metrics::label_notes());
  return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0 : 1;
}
