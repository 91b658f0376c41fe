#include "tls/stream.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <array>

#include "foundation/transport/text_cache.hpp"

namespace gateway::tls {

using transport::interest;
using transport::io_result;
using transport::io_status;
using transport::wake;

namespace {

// Of earlier calls of this thread, whoever made them. Clearing the empty queue costs 800 instructions (callgrind),
// looking 60.
void forget_errors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

constexpr std::size_t most_fetched = 4096;  // at once: more than a usual answer has

}  // namespace

// The BIO through which OpenSSL reaches the channel below.
struct channel_bio {
  static stream& of(BIO* bio) noexcept { return *static_cast<stream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, std::size_t size, std::size_t* moved) noexcept {
    auto& self = of(bio);
    BIO_clear_retry_flags(bio);
    if (!self.fetched_.empty()) {
      *moved = self.take_fetched({into, size});
      return 1;
    }
    const auto result = self.below_->try_read({into, size});
    *moved = result.bytes;
    if (result.status == io_status::done) return 1;
    if (result.status == io_status::want_read) BIO_set_retry_read(bio);
    if (result.status == io_status::end) self.below_ended_ = true;
    return 0;
  }

  static int write(BIO* bio, const char* from, std::size_t size, std::size_t* moved) noexcept {
    auto& self = of(bio);
    BIO_clear_retry_flags(bio);
    if (self.putting_ || !self.put_.empty()) {
      transport::text_cache::take(self.put_);
      self.put_.append(from, size);
      *moved = size;
      return 1;
    }
    const auto result = self.below_->try_write({from, size});
    *moved = result.bytes;
    if (result.status == io_status::done) return 1;
    if (result.status == io_status::want_write) BIO_set_retry_write(bio);
    return 0;
  }

  static long control(BIO* bio, int command, long, void*) noexcept {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return of(bio).below_ended_ ? 1 : 0;
    return 0;
  }

  static BIO* make(stream& self) {
    struct method_deleter {
      void operator()(BIO_METHOD* method) const noexcept { BIO_meth_free(method); }
    };
    static const std::unique_ptr<BIO_METHOD, method_deleter> method = [] {
      std::unique_ptr<BIO_METHOD, method_deleter> made{
          BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gateway channel")};
      BIO_meth_set_read_ex(made.get(), &read);
      BIO_meth_set_write_ex(made.get(), &write);
      BIO_meth_set_ctrl(made.get(), &control);
      return made;
    }();
    auto* bio = BIO_new(method.get());
    BIO_set_data(bio, &self);
    BIO_set_init(bio, 1);
    return bio;
  }
};

stream::stream(std::unique_ptr<transport::channel> below, connection_ptr connection)
    : below_{std::move(below)}, connection_{std::move(connection)} {
  auto* bio = channel_bio::make(*this);
  SSL_set_bio(connection_.get(), bio, bio);
  SSL_set_app_data(connection_.get(), this);
  if (SSL_get_verify_mode(connection_.get()) != SSL_VERIFY_NONE)
    SSL_set_verify(connection_.get(), SSL_get_verify_mode(connection_.get()), &stream::verified);
}

stream::~stream() = default;

int stream::verified(int preverified, X509_STORE_CTX* check) {
  auto* connection = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (preverified == 1) {
    // A ticket would not hold the certificates in between, without which a client's cannot be verified again when the
    // authorities change.
    if (SSL_is_server(connection) == 1 && X509_STORE_CTX_get_error_depth(check) > 1) SSL_set_num_tickets(connection, 0);
    return 1;
  }
  auto& self = *static_cast<stream*>(SSL_get_app_data(connection));
  self.refused_ = X509_verify_cert_error_string(X509_STORE_CTX_get_error(check));
  if (auto* certificate = X509_STORE_CTX_get_current_cert(check)) {
    std::array<char, 256> subject{};
    X509_NAME_oneline(X509_get_subject_name(certificate), subject.data(), static_cast<int>(subject.size()));
    self.refused_ += std::string{" (certificate "} + subject.data() + ")";
  }
  return 0;  // no certificate is ever waved through
}

transport::task<std::expected<void, std::string>> stream::handshake() {
  for (;;) {
    ERR_clear_error();
    const int returned = SSL_do_handshake(connection_.get());
    if (returned == 1) {
      ended_ = handshake_end::done;
      co_return std::expected<void, std::string>{};
    }
    const auto result = result_of(returned);
    if (result.status == io_status::end || result.status == io_status::failed) {
      ended_ = result.status == io_status::end ? handshake_end::left : end_of_failed();
      const auto why = reason();
      co_return std::unexpected{why.empty() ? std::string{"the peer closed the connection during the handshake"} : why};
    }
    const auto what = result.status == io_status::want_read ? interest::read : interest::write;
    const auto woken = co_await ready().wait(what);
    if (woken == wake::ready) continue;
    ended_ = woken == wake::timed_out ? handshake_end::timed_out : handshake_end::cancelled;
    co_return std::unexpected{std::string{woken == wake::timed_out ? "timed out" : "cancelled"}};
  }
}

handshake_end stream::end_of_failed() const noexcept {
  if (!refused_.empty()) return handshake_end::refused_certificate;
  if (error_ == 0) return handshake_end::left;
  if (ERR_GET_LIB(error_) != ERR_LIB_SSL) return handshake_end::failed;
  switch (ERR_GET_REASON(error_)) {
    case SSL_R_HTTP_REQUEST:
      return handshake_end::plain_http;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return handshake_end::refused_certificate;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return handshake_end::left;
    default:
      return handshake_end::failed;
  }
}

io_result stream::try_read(std::span<char> into) noexcept {
  // Nothing has come, nothing is kept: the usual case right after a request was sent, without OpenSSL's way round.
  if (fetched_.empty() && !below_->ready().has(transport::readiness::readable) && !SSL_want_write(connection_.get()) &&
      SSL_has_pending(connection_.get()) == 0)
    return {io_status::want_read, 0};
  forget_errors();
  std::size_t bytes = 0;
  const int returned = SSL_read_ex(connection_.get(), into.data(), into.size(), &bytes);
  if (returned == 1) return {io_status::done, bytes};
  const auto result = result_of(returned);
  // A ticket may have come: to take it in, OpenSSL has made buffers for both ways, and releases only those it used.
  if (result.status == io_status::want_read) SSL_free_buffers(connection_.get());
  return result;
}

void stream::fetch() noexcept {
  if (!fetched_.empty() || !below_->ready().has(transport::readiness::readable)) return;
  transport::text_cache::take(fetched_);
  fetched_.resize_and_overwrite(most_fetched, [&](char* bytes, std::size_t size) {
    return below_->try_read({bytes, size}).bytes;  // an end or a fault is there again for whoever reads
  });
  if (fetched_.empty()) transport::text_cache::give(fetched_);
}

std::size_t stream::take_fetched(std::span<char> into) noexcept {
  const auto moved = fetched_.copy(into.data(), into.size(), read_to_);
  read_to_ += moved;
  if (read_to_ == fetched_.size()) {
    read_to_ = 0;
    transport::text_cache::give(fetched_);
  }
  return moved;
}

io_result stream::put(std::span<const char> from) noexcept {
  putting_ = true;
  const auto result = encrypt(from);
  putting_ = false;
  return result;
}

io_result stream::flush() noexcept {
  while (sent_to_ < put_.size()) {
    const auto result = below_->try_write(std::span{put_}.subspan(sent_to_));
    if (result.status == io_status::done) {
      sent_to_ += result.bytes;
      continue;
    }
    if (result.status == io_status::failed) fail_as_below();
    return {result.status, 0};
  }
  sent_to_ = 0;
  transport::text_cache::give(put_);
  return {io_status::done, 0};
}

io_result stream::try_write(std::span<const char> from) noexcept {
  if (const auto before = flush(); before.status != io_status::done) return before;
  return encrypt(from);
}

io_result stream::encrypt(std::span<const char> from) noexcept {
  forget_errors();
  std::size_t bytes = 0;
  const int returned = SSL_write_ex(connection_.get(), from.data(), from.size(), &bytes);
  if (returned == 1) return {io_status::done, bytes};
  return result_of(returned);
}

io_result stream::result_of(int returned) noexcept {
  switch (SSL_get_error(connection_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      return {io_status::want_read, 0};
    case SSL_ERROR_WANT_WRITE:
      return {io_status::want_write, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {io_status::end, 0};
    case SSL_ERROR_SYSCALL:
      fail_as_below();
      return {io_status::failed, 0};
    default:
      error_ = ERR_peek_last_error();
      failure_ = last_error();
      return {io_status::failed, 0};
  }
}

void stream::fail_as_below() noexcept {
  failure_ = below_ended_ ? "the peer cut the connection" : below_->reason();
  if (failure_.empty()) failure_ = "the connection was lost";
}

bool stream::http2() const noexcept {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(connection_.get(), &name, &size);
  return size == 2 && name[0] == 'h' && name[1] == '2';
}

void stream::finish() noexcept {
  // Says goodbye where the socket takes it at once, and never waits for the peer's: async shutdown can hang.
  if (SSL_is_init_finished(connection_.get()) == 1 && failure_.empty()) {
    ERR_clear_error();
    SSL_shutdown(connection_.get());
    ERR_clear_error();
  }
  below_->finish();
}

std::string stream::reason() const {
  if (!refused_.empty())
    return (SSL_is_server(connection_.get()) == 1 ? "the caller's" : "the server's") +
           (" certificate was refused: " + refused_);
  return failure_;
}

}  // namespace gateway::tls
