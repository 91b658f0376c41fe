#include "foundation/journal/access_log.hpp"

#include "foundation/journal/record_writer.hpp"

#include <cstring>

namespace gateway::journal {
namespace {

// As record_writer's own, where the name is known.
[[gnu::always_inline]] inline void write_text(record_writer& to, std::string_view name,
                                              std::string_view value) noexcept {
  if (!value.empty()) to.text(name, value);
}

void write_stage(record_writer& to, std::string_view name, std::optional<std::chrono::nanoseconds> took) noexcept {
  if (took) to.milliseconds(name, *took);
}

void write_batch(record_writer& to, const batch_entry& batch) noexcept {
  to.number("lines", static_cast<std::int64_t>(batch.lines));
  to.number("created", static_cast<std::int64_t>(batch.created));
  to.number("reused", static_cast<std::int64_t>(batch.reused));
  to.number("replayed", static_cast<std::int64_t>(batch.replayed));
  to.number("failed", static_cast<std::int64_t>(batch.failed));
  to.boolean("complete", batch.complete);
}

void write_entry(record_writer& to, const access_entry& entry) noexcept {
  write_text(to, "request_id", entry.request_id);
  write_text(to, "trace_id", entry.trace_id);
  write_text(to, "caller", entry.caller);
  write_text(to, "peer", entry.peer);
  write_text(to, "account", entry.account);
  write_text(to, "route", entry.route);
  write_text(to, "method", entry.method);
  to.number("code", std::int64_t{entry.code});
  write_text(to, "problem", entry.problem);
  write_text(to, "effect", entry.effect);
  write_text(to, "session", entry.session);
  if (entry.upstream_status != 0) to.number("upstream_status", std::int64_t{entry.upstream_status});
  if (entry.caller_left) to.boolean("caller_left", true);
  if (entry.batch) write_batch(to, *entry.batch);
  to.milliseconds("duration_ms", entry.duration);
  write_stage(to, "queue_ms", entry.queue);
  write_stage(to, "token_ms", entry.token);
  write_stage(to, "connect_ms", entry.connect);
  write_stage(to, "upstream_ms", entry.upstream);
  to.end();
}

void write_entry(record_writer& to, const audit_entry& entry) noexcept {
  write_text(to, "request_id", entry.request_id);
  if (entry.line != 0) to.number("line", std::int64_t{entry.line});
  write_text(to, "trace_id", entry.trace_id);
  write_text(to, "caller", entry.caller);
  write_text(to, "account", entry.account);
  write_text(to, "effect", entry.effect);
  write_text(to, "session", entry.session);
  write_text(to, "key_fingerprint", entry.key_fingerprint);
  to.boolean("audit", true);
  to.end();
}

level severity_of(const access_entry& entry) noexcept {
  return entry.severity;
}
level severity_of(const audit_entry&) noexcept {
  return level::info;
}
std::string_view message_of(const access_entry&) noexcept {
  return "request";
}
std::string_view message_of(const audit_entry& entry) noexcept {
  return entry.message;
}

}  // namespace

access_log::access_log(output& to, options how)
    : to_{to}, how_{how}, memory_{std::make_unique_for_overwrite<char[]>(how.capacity)} {}

void access_log::append(const access_entry& entry) noexcept {
  append_or_count(entry);
}

void access_log::append(const audit_entry& entry) noexcept {
  append_or_count(entry);
}

template <class Entry>
void access_log::append_or_count(const Entry& entry) noexcept {
  if (try_append(entry)) return;
  if (make_room() && try_append(entry)) return;
  dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);  // one writer
}

template <class Entry>
bool access_log::try_append(const Entry& entry) noexcept {
  line_writer line{{memory_.get() + end_, how_.capacity - end_}};
  record_writer record{line, how_.style, stamp_.of(entry.at), severity_of(entry), message_of(entry)};
  write_entry(record, entry);
  if (line.full()) return false;
  end_ += line.size();
  return true;
}

// Moves what waits to the front; false if it is there already. Happens only while the reader is slow.
bool access_log::make_room() noexcept {
  if (begin_ == 0) return false;
  std::memmove(memory_.get(), memory_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  return true;
}

bool access_log::flush() {
  if (begin_ == end_) {
    to_.flush();  // the loops' timers are also what sends events that had to wait
    return true;
  }
  begin_ += to_.write({memory_.get() + begin_, end_ - begin_});
  if (begin_ != end_) return false;
  begin_ = end_ = 0;
  return true;
}

}  // namespace gateway::journal
