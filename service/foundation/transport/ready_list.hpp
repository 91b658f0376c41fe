#pragma once

#include <boost/intrusive/list.hpp>

#include <cstddef>

namespace gateway::transport {

using ready_hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// Something that the loop runs next. Destroying it takes it out of the list.
class ready_item : public ready_hook {
 public:
  ready_item() = default;
  ready_item(const ready_item&) = delete;
  ready_item& operator=(const ready_item&) = delete;
  virtual ~ready_item() = default;

  // Called by the loop, from no coroutine. The item is no longer in the list and may be destroyed by this call.
  virtual void run() = 0;
};

// What is to run on a loop, in order. Everything that resumes a coroutine goes through it, so that no coroutine is ever
// resumed in the middle of another one's step, and whatever is destroyed meanwhile simply leaves the list.
//
// It runs in cohorts: some that are ready, then all of these once more where they ended a stage, and so on to their
// next waits; then the others that are ready (next_stage.hpp).
class ready_list {
 public:
  // So many that what they work on stays in the processor's caches, too, and that there are texts for all of them
  // (text_cache.hpp).
  static constexpr std::size_t cohort = 32;

  void push(ready_item& item) noexcept {
    if (!item.is_linked()) ready_.push_back(item);
  }
  // For next_stage: behind those of its cohort.
  void push_next(ready_item& item) noexcept { next_.push_back(item); }

  bool empty() const noexcept { return ready_.empty() && next_.empty(); }
  // Nobody else is of the running one's cohort, or will be.
  bool alone() const noexcept { return next_.empty() && (room_ == 0 || ready_.empty()); }

  void run_all() {
    while (!empty()) {
      for (room_ = cohort; room_ != 0 && !ready_.empty();) {
        --room_;
        run_first(ready_);
      }
      room_ = 0;
      while (!next_.empty()) run_first(next_);
    }
  }

 private:
  using items = boost::intrusive::list<ready_item, boost::intrusive::constant_time_size<false>>;

  static void run_first(items& of) {
    auto& item = of.front();
    of.pop_front();
    item.run();
  }

  items ready_;
  items next_;
  std::size_t room_ = 0;  // in the cohort, while its first stage runs
};

}  // namespace gateway::transport
