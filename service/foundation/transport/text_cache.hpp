#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <utility>

namespace gateway::transport {

// Memory for texts that live for a moment: bytes that were read, an answer being put together. Of the thread, and the
// last one given back goes first: that one lies in the processor's nearest memory. What each of a crowd's requests kept
// for itself while it waited had left it when it was needed (64 of them held a megabyte, as much as there is of it).
class text_cache {
 public:
  // Gives `into` memory where it has none to speak of. One in which something stands stays as it is.
  static void take(std::string& into) noexcept {
    auto& own = spare();
    if (!into.empty() || (into.capacity() >= least && into.capacity() <= most)) return;
    if (own.count != 0) into = std::move(own.texts[--own.count]);  // half of what swap costs, here and below
  }

  // What stood in it is gone, and its memory is for whoever comes next. A secret is to be wiped before.
  static void give(std::string& from) noexcept {
    from.clear();
    if (from.capacity() < least) return;
    auto& own = spare();
    if (from.capacity() > most || own.count == own.texts.size()) return drop(from);
    own.texts[own.count++] = std::move(from);
  }

  // Frees what this thread has spare.
  static void trim() noexcept {
    auto& own = spare();
    while (own.count != 0) drop(own.texts[--own.count]);
  }

  static constexpr std::size_t least = 256;
  static constexpr std::size_t most = 16 * 1024;

 private:
  struct texts_of_thread {
    std::array<std::string, 96> texts;  // three for each of a cohort (ready_list.hpp)
    std::size_t count = 0;              // how many have memory
  };
  [[gnu::noinline]] static void drop(std::string& text) noexcept { std::string{}.swap(text); }
  static texts_of_thread& spare() noexcept {
    thread_local texts_of_thread own;
    return own;
  }
};

}  // namespace gateway::transport
