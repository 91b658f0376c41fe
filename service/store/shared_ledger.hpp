#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/degraded_share.hpp"
#include "store/errands.hpp"
#include "store/ledger_mirror.hpp"
#include "store/ledger_scripts.hpp"
#include "store/own_sends.hpp"
#include "store/permit_sort.hpp"
#include "store/permit_stock.hpp"
#include "store/redis/trouble.hpp"
#include "store/shared_options.hpp"

namespace gateway::store {

// The ledger of several replicas, kept by Redis in Redis' own time. Pure: it says what is to be asked (`take_orders`)
// and hears what came of it (`answered`); a shell runs the scripts. Not thread-safe.
//
// Why no window is ever exceeded: each permit is reserved in Redis for an instant T, and of any window's R + 1
// successive reservations the last is at least P + stretch after the first. A permit is drawn here only if its request
// surely goes within [T, T + stretch/2]: not before `reservation::from`, which is counted from when the answer was
// received, and not after `by`, counted from when it was asked for. So of R + 1 requests in some order of sending, the
// one with the latest T goes at least P + stretch/2 after the one with the earliest T, and the other half of the
// stretch is left for ways to the server that take longer for some than for others. What cannot be used in time,
// because the way to the store is too long, is never sent.
//
// What is drawn by and what is estimated: `drawable` knows only what is in reserve here. `expected`, `known`, `pace_of`
// and `slots` are a mirror of Redis' books, at most `refresh` old, with this replica's own doings in it at once; what
// is in reserve here does not stand in it.
//
// While Redis does not answer it is `away`: then permits come from the degraded share, or nobody goes.
class shared_ledger final : public ledger {
 public:
  // `random`: 64 random bits. The scripts outlive it.
  shared_ledger(ledger_rules rules, shared_options options, const ledger_scripts& scripts,
                std::function<std::uint64_t()> random);

  // ---- for the shell

  // There is a connection, to a server of this run id. Before each order goes over a new connection.
  void connected(std::string run_id, time::instant now);
  // What is to be asked now; each is answered with its tag, exactly once, also if there is no answer.
  std::vector<order> take_orders(time::instant now);
  // When there will be something to ask, if nothing happens: `now` or later.
  time::instant next_order(time::instant now);
  // `asked`: read before the order was handed over; `received`: after the answer came. What is drawable may have
  // changed.
  void answered(std::uint64_t tag, const redis::outcome& what, time::instant asked, time::instant received);
  bool away() const noexcept { return away_; }
  // While it is away: until when this replica may use its degraded share.
  time::instant share_usable_until() const noexcept { return degraded_.usable_until(); }
  // The process is about to end, and draws nothing any more: what is in reserve goes back, and so does the lease,
  // unless something that was sent under it is still in a window.
  void leave(time::instant now);

  // ---- for the domain

  opening drawable(const use& of, time::instant now) override;
  opening expected(const use& of, time::instant now) override;
  bool stranded(const use& of, time::instant now) override { return expected(of, now).why.what == binding::by::store; }
  void want(const use& of, std::size_t how_many, time::instant now) override;
  drawing draw(const use& of, time::instant now) override;
  void sent(const use& of, const drawing& what, time::instant at) override;
  void give_back(const use& of, const drawing& what, time::instant now) override;
  void forget(const use& of, const drawing& what, time::instant at) override;
  void sent_again(const use& of, const drawing& what, time::instant at) override;
  void pause(std::size_t account, time::instant until, time::instant now) override;
  void hold(std::size_t account, time::instant until, time::instant now) override;
  void resume(std::size_t account, time::instant now) override;
  void bind(std::uint64_t slot, std::string_view session) override;
  bool share(std::string_view session, std::size_t caller, time::instant now) override;
  bool give_back_slot(std::string_view session, std::size_t caller, time::instant now) override;
  bool free_slot(std::string_view session, time::instant now) override;
  bool free_slot(std::uint64_t slot, time::instant now) override;

  // While it is away those of the degraded share: it is by them that somebody may go.
  const ledger_rules& rules() const noexcept override { return away_ ? degraded_.rules() : mirror_.books().rules; }
  const history& known(std::uint32_t resource) const noexcept override {
    return away_ ? degraded_.known(resource) : mirror_.books().histories[resource];
  }
  const pace& pace_of(std::size_t account) const noexcept override { return mirror_.books().paces[account]; }
  const slot_book& slots(time::instant now) override;

 private:
  using rings = std::vector<std::uint32_t>;
  struct asked_for {
    permit_stock* stock = nullptr;           // a reservation
    std::uint64_t errand = 0;                // or an errand; neither: only a look
    bool upload = false;                     // which may take longer than others
    std::vector<std::uint64_t> ids{};        // of the permits wanted
    rings of{};                              // of which rings it tells
    std::vector<ledger_mirror::place> at{};  // where the mirror stood
  };

  permit_stock* find(const use& of);
  permit_stock& stock_of(const use& of);
  rings counted(const use& of) const;
  std::optional<opening> paused(const use& of, time::instant now) const;
  time::duration lateness(const use& of) const noexcept;
  std::uint64_t fresh() const { return (random_() & ((std::uint64_t{1} << 53) - 1)) | 1; }
  void take_back(rings from, std::span<const reservation> all, bool slot, time::instant now);
  void say(std::vector<std::string> about_slot, time::instant useless_at);

  order made(const redis::script& of, const rings& over, asked_for what, std::vector<std::string> own,
             time::instant now);
  order look(time::instant now);
  order reserve(permit_stock& for_one, std::size_t how_many, time::instant now);
  order run(std::uint64_t number, time::instant now);
  order run_upload(std::uint64_t number, time::instant now);
  void upload(std::uint32_t ring, std::span<const own_sends::one> sends);
  void upload_more();
  void uploaded();
  std::vector<std::string> permits_wanted(const use* of) const;
  time::instant ask_at(permit_stock& one, time::instant now);
  void clear_out(time::instant now);

  void failed(const asked_for& what, time::instant now);
  bool heard(const answer_head& head, time::instant asked, time::instant received);
  void begin(const std::string& epoch, time::instant now);
  void tell(const asked_for& what, const reserve_answer& news, time::instant now);
  void reserved(const asked_for& what, const reserve_answer& news, time::instant asked, time::instant received);
  bool ran(const asked_for& what, const redis::reply& answer, time::instant asked, time::instant received);
  void redo_in_mirror();

  shared_options options_;
  const ledger_scripts& scripts_;
  std::function<std::uint64_t()> random_;
  degraded_share degraded_;
  ledger_mirror mirror_;
  own_sends own_;
  server_clock clock_;
  errands errands_;
  std::vector<std::string> versions_;  // of the resources' windows
  rings all_rings_;
  std::map<permit_sort, permit_stock> stocks_;
  std::map<std::uint64_t, asked_for> under_way_;
  std::uint64_t last_tag_ = 0;
  std::string run_id_;
  bool away_ = false;
  bool looking_ = false;
  time::instant begun_{};
  time::instant look_at_{};  // also, while away, when to try again
  time::duration retry_{0};
  // What Redis forgot is told again by one order after the other: each takes it a while, and nobody else is served
  // then.
  std::vector<slot> lost_slots_;  // held when it forgot them; the first order
  struct piece {
    std::uint32_t ring = 0;
    std::vector<own_sends::one> sends{};
  };
  std::deque<piece> untold_;
};

}  // namespace gateway::store
