#include "listener/batch.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "foundation/json/write.hpp"

namespace gateway::listener {

using errors::failure;
using errors::problem;
using transport::task;

namespace {

// JSON may have line breaks between its parts, and nowhere else (RFC 8259 sections 2 and 7). A batch may not.
void append_on_one_line(std::string& to, std::string_view json) {
  std::ranges::replace_copy_if(json, std::back_inserter(to), [](char c) { return c == '\r' || c == '\n'; }, ' ');
}

errors::effect worse(errors::effect a, errors::effect b) noexcept {
  using enum errors::effect;
  if (a == unknown || b == unknown) return unknown;
  return a == created || b == created ? created : none;
}

// What is a header of a request is a member of a line.
void name_members(failure& why) {
  for (auto& fault : why.faults) {
    if (fault.where != errors::fault::place::header || fault.name != "Idempotency-Key") continue;
    fault.where = errors::fault::place::pointer;
    fault.name = json::fragment_pointer("idempotency_key");
  }
}

}  // namespace

void batch::take(line_splitter::piece what) {
  ++counts_.lines;
  if (what.what == line_splitter::piece::is::too_long) {
    failure f;
    f.id = problem::content_too_large;
    f.detail = "The line has more than " + std::to_string(parts_.longest_line) + " bytes.";
    return failed(what.number, f);
  }
  auto made = std::make_unique<line>();
  made->number = what.number;
  made->text = std::move(what.text);
  auto said = read_batch_line(made->text, terms_.needs_key, scanner_);
  if (!said) return failed(what.number, said.error());
  made->says = std::move(*said);
  held_ = std::move(made);
}

std::optional<time::instant> batch::draw(const std::shared_ptr<batch>& self) {
  if (self->looking_) return time::instant::max();
  auto& held = self->held_;
  held->terms = self->terms_;
  if (const auto later = self->parts_.sessions.begin_bulk(self->terms_.caller)) {
    if (!std::exchange(held->looked_at, true)) {
      self->looking_ = true;
      self->parts_.loop.spawn(look(self, std::move(held)));
    }
    return later;
  }
  self->running_.push_back(held.get());
  self->running_bytes_ += held->text.size();
  self->parts_.loop.spawn(run(self, std::move(held)));
  return std::nullopt;
}

onboarding::creation_request batch::request_of(const line& one) const {
  onboarding::creation_request what{.caller = one.terms.caller,
                                    .policy = *one.terms.policy,
                                    .body = one.says.body,
                                    .deadline = parts_.loop.now() + one.terms.line_time,
                                    .idempotency_key = {},
                                    .may_reuse = parts_.may_reuse};
  if (one.says.key) what.idempotency_key = *one.says.key;
  return what;
}

// A line that has to wait: what is known already draws no permit, and so waits for none.
task<> batch::look(std::shared_ptr<batch> self, std::unique_ptr<line> one) {
  std::string body;
  std::optional<std::expected<onboarding::creation_answer, failure>> known;
  try {
    auto foreseeing = self->parts_.sessions.foresee(self->request_of(*one), one->space, body);
    known = co_await std::move(foreseeing);
  } catch (const std::exception&) {
    known.reset();  // the creation hears of it, too
  }
  self->looking_ = false;
  if (known)
    self->answer(*one, std::move(*known), body);
  else if (!self->left_)
    self->held_ = std::move(one);
  if (self->waiting_ != nullptr) self->waiting_->wake_up();
}

task<> batch::run(std::shared_ptr<batch> self, std::unique_ptr<line> one) {
  auto& parts = self->parts_;
  one->space.caller = &one->left;
  one->space.way.trace = parts.trace;
  one->space.way.origin = {.request = parts.request_id, .line = static_cast<std::uint32_t>(one->number)};
  std::string body;
  std::expected<onboarding::creation_answer, failure> done;
  try {
    auto creating = parts.sessions.create(self->request_of(*one), one->space, body);
    done = co_await std::move(creating);
  } catch (const std::exception&) {
    failure f;
    f.id = problem::internal_error;
    f.detail = "The gateway failed to handle this line.";
    f.effect = errors::effect::unknown;
    done = std::unexpected{std::move(f)};
  }
  std::erase(self->running_, one.get());
  self->running_bytes_ -= one->text.size();
  self->answer(*one, std::move(done), body);
}

void batch::answer(line& one, std::expected<onboarding::creation_answer, failure> what, std::string_view body) {
  if (what) return created(one, *what, body);
  name_members(what.error());
  failed(one.number, what.error());
}

void batch::tell(unsigned status, const failure* why) const {
  answered_line line{.request_id = parts_.request_id.view(),
                     .trace = parts_.trace,
                     .caller = parts_.caller_name,
                     .account = parts_.account,
                     .caller_number = parts_.caller_number,
                     .account_number = parts_.account_number,
                     .status = static_cast<std::uint16_t>(status)};
  if (why != nullptr) {
    line.problem = why->id;
    if (why->decision) line.guard = why->decision->guard;
    line.effect = why->effect;
  }
  parts_.observer.answered(line);
}

void batch::begin_answer(std::size_t number, unsigned status) {
  answers_ += R"({"line":)" + std::to_string(number) + R"(,"status":)" + std::to_string(status);
  if (waiting_ != nullptr) waiting_->wake_up();
}

void batch::created(const line& one, const onboarding::creation_answer& made, std::string_view body) {
  ++(made.replayed ? counts_.replayed : made.status == 201 ? counts_.created : counts_.reused);
  if (made.status == 201 && !made.replayed) counts_.worst = worse(counts_.worst, errors::effect::created);
  tell(made.status, nullptr);
  begin_answer(one.number, made.status);
  if (made.replayed) answers_ += R"(,"replayed":true)";
  answers_ += R"(,"body":)";
  append_on_one_line(answers_, body);
  answers_ += "}\n";
}

void batch::failed(std::size_t number, const failure& why) {
  ++counts_.failed;
  counts_.problems |= std::uint64_t{1} << std::to_underlying(why.id);
  counts_.worst = worse(counts_.worst, why.effect);
  tell(errors::row(why.id).status, &why);
  begin_answer(number, errors::row(why.id).status);
  if (const auto wait = errors::wait_of(why)) answers_ += R"(,"retry_after":)" + std::to_string(wait->count());
  answers_ += R"(,"problem":)" + errors::render(why, parts_.request_id.view()) + "}\n";
}

void batch::leave() noexcept {
  waiting_ = nullptr;
  left_ = true;
  held_.reset();
  for (auto* one : running_)
    if (!one->left.happened()) one->left.happen(parts_.loop.ready());
}

batch_totals batch::totals() const noexcept {
  auto now = counts_;
  if (held_ || looking_) --now.lines;  // read and not begun: it counts as not read
  if (!running_.empty()) now.worst = errors::effect::unknown;
  return now;
}

void batch::summarise(const std::optional<failure>& why) {
  counts_.complete = !why;
  const auto number = [&](std::string_view name, std::size_t value) {
    answers_ += "\"" + std::string{name} + "\":" + std::to_string(value) + ",";
  };
  answers_ += R"({"summary":{)";
  number("lines", totals().lines);
  number("created", counts_.created);
  number("reused", counts_.reused);
  number("replayed", counts_.replayed);
  number("failed", counts_.failed);
  answers_ +=
      why ? R"("complete":false,"problem":)" + errors::render(*why, parts_.request_id.view()) : R"("complete":true)";
  answers_ += "}}\n";
}

}  // namespace gateway::listener
