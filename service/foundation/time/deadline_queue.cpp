#include "foundation/time/deadline_queue.hpp"

namespace gateway::time {

deadline::~deadline() {
  if (queue_ != nullptr && position_ != nowhere) queue_->remove(*this);
}

void deadline::arm(deadline_queue& queue, instant expiry) {
  expiry_ = expiry;
  armed_ = true;
  queue_ = &queue;
  if (position_ == nowhere)
    queue.insert(*this);
  else if (expiry < queue.heap_[position_].key)
    queue.move_earlier(*this);
}

deadline_queue::~deadline_queue() {
  for (auto& e : heap_) {
    e.owner->position_ = deadline::nowhere;
    e.owner->queue_ = nullptr;
  }
}

std::optional<instant> deadline_queue::next() const noexcept {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().key;
}

void deadline_queue::fire(instant now) {
  while (!heap_.empty() && heap_.front().key <= now) {
    auto& d = *heap_.front().owner;
    if (d.armed_ && d.expiry_ > heap_.front().key) {  // was put later meanwhile
      heap_.front().key = d.expiry_;
      sift_down(0);
      continue;
    }
    const bool due = d.armed_;
    remove(d);
    if (due) {
      d.armed_ = false;
      d.expired();
    }
  }
}

void deadline_queue::insert(deadline& d) {
  heap_.push_back({d.expiry_, &d});
  d.position_ = heap_.size() - 1;
  sift_up(d.position_);
}

void deadline_queue::move_earlier(deadline& d) {
  heap_[d.position_].key = d.expiry_;
  sift_up(d.position_);
}

void deadline_queue::remove(deadline& d) noexcept {
  const auto at = d.position_;
  d.position_ = deadline::nowhere;
  const auto last = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) return;
  place(at, last);
  sift_down(at);
  sift_up(last.owner->position_);
}

void deadline_queue::place(std::size_t at, entry e) noexcept {
  heap_[at] = e;
  e.owner->position_ = at;
}

void deadline_queue::sift_up(std::size_t at) noexcept {
  const auto e = heap_[at];
  while (at > 0) {
    const auto parent = (at - 1) / 2;
    if (heap_[parent].key <= e.key) break;
    place(at, heap_[parent]);
    at = parent;
  }
  place(at, e);
}

void deadline_queue::sift_down(std::size_t at) noexcept {
  const auto e = heap_[at];
  for (;;) {
    auto child = 2 * at + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].key < heap_[child].key) ++child;
    if (heap_[child].key >= e.key) break;
    place(at, heap_[child]);
    at = child;
  }
  place(at, e);
}

}  // namespace gateway::time
