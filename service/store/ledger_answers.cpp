#include "store/ledger_answers.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace gateway::store {

namespace {

using redis::reply;

// A reader of a reply's parts: once one of them is wrong, all of it is.
class reading {
 public:
  std::int64_t number(const reply& of) {
    const auto read = of.number();
    good &= read.has_value();
    return read.value_or(0);
  }
  std::string text(const reply& of) {
    good &= of.type() == reply::kind::bulk || of.type() == reply::kind::status;
    return std::string{of.text()};
  }
  double factor(const reply& of) {
    double read = 1.0;
    const auto text = of.text();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
    good &= error == std::errc{} && end == text.data() + text.size() && read >= 1.0 && read <= pace::longest;
    return read;
  }
  std::span<const reply> array(const reply& of) {
    good &= of.is_array();
    return of.elements();
  }
  // "T T T"
  std::vector<server_instant> stamps(std::string_view text) {
    std::vector<server_instant> all;
    while (good && !text.empty()) {
      server_instant one = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), one);
      good &= error == std::errc{};
      if (!good) break;
      all.push_back(one);
      text.remove_prefix(static_cast<std::size_t>(end - text.data()));
      if (text.starts_with(' ')) text.remove_prefix(1);
    }
    return all;
  }

  bool good = true;
};

answer_head head_of(reading& r, const reply& from) {
  r.good &= from.size() >= 2;
  return {r.number(from[0]), r.text(from[1])};
}

binding::by binding_of(std::string_view name) noexcept {
  if (name == "window") return binding::by::window;
  if (name == "pause") return binding::by::pause;
  if (name == "slots") return binding::by::slots;
  if (name == "own_slots") return binding::by::own_slots;
  return binding::by::nothing;
}

next_permit next_of(reading& r, const reply& from) {
  next_permit made{.at = r.number(from[0]), .what = binding_of(from[1].text())};
  made.ring = static_cast<std::size_t>(std::max<std::int64_t>(0, r.number(from[2])));
  made.window = static_cast<std::uint32_t>(std::max<std::int64_t>(0, r.number(from[3])));
  return made;
}

ring_news ring_of(reading& r, const reply& from) {
  const auto which = r.number(from[2]);
  return {.generation = r.text(from[0]),
          .appended = r.number(from[1]),
          .all = which % 2 != 0,
          .more = which >= 2,
          .unknown_before = r.number(from[3]),
          .stamps = r.stamps(from[4].text())};
}

slot_news slot_of(reading& r, const reply& from) {
  slot_news made{.id = static_cast<std::uint64_t>(r.number(from[0])),
                 .account = r.text(from[1]),
                 .session = r.text(from[2]),
                 .since = r.number(from[3]),
                 .until = r.number(from[4])};
  for (const auto& holder : r.array(from[5])) made.holders.push_back(r.text(holder));
  return made;
}

}  // namespace

std::optional<answer_head> read_head(const reply& from) {
  reading r;
  auto head = head_of(r, from);
  return r.good ? std::optional{std::move(head)} : std::nullopt;
}

std::optional<reserve_answer> read_reserve(const reply& from, std::size_t rings, std::size_t accounts) {
  reading r;
  reserve_answer made{.head = head_of(r, from)};
  for (const auto& one : r.array(from[2])) made.granted.push_back(r.number(one));
  if (from[3].size() != 0) made.next = next_of(r, from[3]);
  for (const auto& one : r.array(from[4])) made.rings.push_back(ring_of(r, one));
  for (const auto& one : r.array(from[5])) made.paces.push_back({r.number(one[0]), r.factor(one[1])});
  made.changes = r.text(from[6]);
  if (from[7].is_array()) {
    auto& slots = made.slots.emplace();
    for (const auto& one : from[7].elements()) slots.push_back(slot_of(r, one));
  }
  r.good &= made.rings.size() == rings && made.paces.size() == accounts &&
            (!made.next || made.next->ring < rings || rings == 0);
  return r.good ? std::optional{std::move(made)} : std::nullopt;
}

}  // namespace gateway::store
