#pragma once

#include <boost/intrusive/list.hpp>

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
class ready_list {
 public:
  void push(ready_item& item) noexcept {
    if (!item.is_linked()) items_.push_back(item);
  }
  bool empty() const noexcept { return items_.empty(); }
  void run_all() {
    while (!items_.empty()) {
      auto& item = items_.front();
      items_.pop_front();
      item.run();
    }
  }

 private:
  boost::intrusive::list<ready_item, boost::intrusive::constant_time_size<false>> items_;
};

}  // namespace gateway::transport
