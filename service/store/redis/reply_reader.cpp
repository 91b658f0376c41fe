#include "store/redis/reply_reader.hpp"

#include <hiredis/read.h>

#include <cassert>
#include <new>
#include <utility>

namespace gateway::store::redis {

// Called by hiredis, which is C: nothing may be thrown through it. A null pointer makes it stop.
class reply_builder {
 public:
  explicit reply_builder(std::size_t most_elements) noexcept : most_elements_{most_elements} {}

  static redisReplyObjectFunctions& functions() noexcept {
    static redisReplyObjectFunctions table{&text, &array, &integer, &nil, &discard};
    return table;
  }
  static reply_builder& of(const redisReadTask* where) noexcept {
    return *static_cast<reply_builder*>(where->privdata);
  }

  bool exceeded() const noexcept { return exceeded_; }
  void begin_reply() noexcept { elements_ = 0; }

 private:
  // Where the value belongs: an element that its array already has, or a reply of its own.
  static reply* slot(const redisReadTask* where) {
    if (where->parent == nullptr) return new reply;
    auto* parent = static_cast<reply*>(where->parent->obj);
    return &parent->elements_[static_cast<std::size_t>(where->idx)];
  }
  template <typename Fill>
  static void* make(const redisReadTask* where, const Fill& fill) noexcept {
    reply* made = nullptr;
    try {
      made = slot(where);
      fill(*made);
      return made;
    } catch (const std::bad_alloc&) {
      if (where->parent == nullptr) delete made;
      return nullptr;
    }
  }

  static void* text(const redisReadTask* where, char* bytes, std::size_t size) noexcept {
    return make(where, [&](reply& into) {
      into.kind_ = where->type == REDIS_REPLY_ERROR    ? reply::kind::error
                   : where->type == REDIS_REPLY_STATUS ? reply::kind::status
                                                       : reply::kind::bulk;
      into.text_.assign(bytes, size);
    });
  }
  static void* array(const redisReadTask* where, int size) noexcept {
    auto& self = of(where);
    const auto count = static_cast<std::size_t>(size);
    if (count > self.most_elements_ - self.elements_) {
      self.exceeded_ = true;  // before any memory is set aside for what a server merely announces
      return nullptr;
    }
    self.elements_ += count;
    return make(where, [&](reply& into) {
      into.kind_ = reply::kind::array;
      into.elements_.resize(count);
    });
  }
  static void* integer(const redisReadTask* where, long long number) noexcept {
    return make(where, [&](reply& into) { into = reply::integer(number); });
  }
  static void* nil(const redisReadTask* where) noexcept {
    return make(where, [](reply&) {});
  }
  // Only ever of a whole reply.
  static void discard(void* made) noexcept { delete static_cast<reply*>(made); }

  std::size_t most_elements_;
  std::size_t elements_ = 0;
  bool exceeded_ = false;
};

struct reply_reader::machinery {
  struct reader_deleter {
    void operator()(redisReader* reader) const noexcept { redisReaderFree(reader); }
  };

  explicit machinery(reply_limits given)
      : limits{given}, builder{given.elements}, hiredis{redisReaderCreateWithFunctions(&reply_builder::functions())} {
    if (!hiredis) throw std::bad_alloc{};
    hiredis->privdata = &builder;
  }
  std::string why() const {
    if (failed_to_feed) return "out of memory";
    if (builder.exceeded()) return "a reply has more elements than allowed";
    return std::string{"not RESP2: "} + hiredis->errstr;
  }

  reply_limits limits;
  reply_builder builder;
  std::unique_ptr<redisReader, reader_deleter> hiredis;
  std::size_t pending = 0;  // bytes of the reply that is not complete, at least
  bool failed_to_feed = false;
  bool too_large = false;
};

reply_reader::reply_reader(reply_limits limits) : machinery_{std::make_unique<machinery>(limits)} {}

reply_reader::~reply_reader() = default;

void reply_reader::feed(std::string_view bytes) {
  auto& own = *machinery_;
  if (own.too_large || bytes.empty()) return;
  own.pending += bytes.size();
  if (redisReaderFeed(own.hiredis.get(), bytes.data(), bytes.size()) != REDIS_OK) own.failed_to_feed = true;
}

std::expected<std::optional<reply>, std::string> reply_reader::next() {
  auto& own = *machinery_;
  if (own.too_large) return std::unexpected{std::string{"a reply is larger than allowed"}};
  void* made = nullptr;
  if (own.failed_to_feed || redisReaderGetReply(own.hiredis.get(), &made) != REDIS_OK)
    return std::unexpected{own.why()};
  if (made == nullptr) {
    own.too_large = own.pending > own.limits.bytes;
    if (own.too_large) return next();
    return std::optional<reply>{};
  }
  const std::unique_ptr<reply> owner{static_cast<reply*>(made)};
  own.builder.begin_reply();
  own.pending = own.hiredis->len - own.hiredis->pos;
  return std::optional<reply>{std::move(*owner)};
}

}  // namespace gateway::store::redis
