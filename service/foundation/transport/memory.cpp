#include "foundation/transport/memory.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace gateway::transport {

struct memory_channel::wire {
  std::array<std::size_t, 2> capacity;
  std::array<pipe, 2> pipes;  // [side] holds what that side sent
  std::array<memory_channel*, 2> ends{};
};

memory_channel::memory_channel(ready_list& list, std::shared_ptr<wire> shared, int side) noexcept
    : ready_{list}, wire_{std::move(shared)}, side_{side} {
  wire_->ends[static_cast<std::size_t>(side_)] = this;
  ready_.signal(readiness::writable);
}

std::pair<std::unique_ptr<memory_channel>, std::unique_ptr<memory_channel>> memory_channel::make_pair(
    ready_list& list, std::size_t from_first, std::size_t from_second) {
  auto shared = std::make_shared<wire>();
  shared->capacity = {from_first, from_second};
  return {std::unique_ptr<memory_channel>{new memory_channel{list, shared, 0}},
          std::unique_ptr<memory_channel>{new memory_channel{list, shared, 1}}};
}

memory_channel::~memory_channel() {
  finish();
  wire_->ends[static_cast<std::size_t>(side_)] = nullptr;
}

io_result memory_channel::try_read(std::span<char> into) noexcept {
  if (reset_) return {io_status::failed, 0};
  const auto peer = static_cast<std::size_t>(1 - side_);
  auto& incoming = wire_->pipes[peer];
  if (incoming.bytes.empty()) {
    if (incoming.finished) return {io_status::end, 0};
    ready_.clear(readiness::readable);
    return {io_status::want_read, 0};
  }
  const auto bytes = std::min(into.size(), incoming.bytes.size());
  std::memcpy(into.data(), incoming.bytes.data(), bytes);
  incoming.bytes.erase(0, bytes);
  if (auto* writer = wire_->ends[peer]) writer->ready_.signal(readiness::writable);
  return {io_status::done, bytes};
}

io_result memory_channel::try_write(std::span<const char> from) noexcept {
  const auto peer = static_cast<std::size_t>(1 - side_);
  auto* reader = wire_->ends[peer];
  if (reset_ || reader == nullptr) {
    reset_ = true;
    return {io_status::failed, 0};
  }
  auto& outgoing = wire_->pipes[static_cast<std::size_t>(side_)].bytes;
  const auto capacity = wire_->capacity[static_cast<std::size_t>(side_)];
  const auto bytes = std::min(from.size(), capacity - std::min(capacity, outgoing.size()));
  if (bytes == 0) {
    ready_.clear(readiness::writable);
    return {io_status::want_write, 0};
  }
  outgoing.append(from.data(), bytes);
  reader->ready_.signal(readiness::readable);
  return {io_status::done, bytes};
}

void memory_channel::finish() noexcept {
  wire_->pipes[static_cast<std::size_t>(side_)].finished = true;
  if (auto* reader = wire_->ends[static_cast<std::size_t>(1 - side_)])
    reader->ready_.signal(readiness::readable | readiness::hung_up);
}

void memory_channel::reset() noexcept {
  for (auto* end : wire_->ends) {
    if (end == nullptr) continue;
    end->reset_ = true;
    end->ready_.signal(readiness::readable | readiness::writable | readiness::hung_up);
  }
}

}  // namespace gateway::transport
