#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "foundation/transport/channel.hpp"
#include "foundation/transport/task.hpp"
#include "tls/context.hpp"

namespace gateway::tls {

// How a handshake ended.
enum class handshake_end : std::uint8_t {
  done,
  timed_out,
  cancelled,
  left,                 // the peer closed the connection
  plain_http,           // the peer speaks HTTP without TLS
  refused_certificate,  // the peer's certificate is missing or not to be trusted
  failed                // anything else: no common version, not TLS at all, our certificate is not trusted
};

inline constexpr std::array all_handshake_ends{
    handshake_end::done,       handshake_end::timed_out,           handshake_end::cancelled, handshake_end::left,
    handshake_end::plain_http, handshake_end::refused_certificate, handshake_end::failed};

// TLS over any channel: OpenSSL reads and writes through a small BIO over it, so the same driver runs over a socket and
// over memory. A fresh one per connection.
class stream final : public transport::channel {
 public:
  // `connection` comes from a client or server context.
  stream(std::unique_ptr<transport::channel> below, connection_ptr connection);
  ~stream() override;

  // Until it is done or the watchdog interrupts. The error is for people; where the peer's certificate was refused it
  // names the reason and the certificate's subject.
  transport::task<std::expected<void, std::string>> handshake();
  // How it ended, after it has.
  handshake_end ended() const noexcept { return ended_; }
  // The channel below, to go on without TLS where a handshake ended with `plain_http`; this stream is of no more use.
  std::unique_ptr<transport::channel> give_back() noexcept { return std::move(below_); }

  // `end` only after the peer's close_notify: a connection that is cut is `failed`, so that a truncated answer is never
  // taken for a whole one.
  transport::io_result try_read(std::span<char> into) noexcept override;
  // `done` means: handed to the socket to the last byte of these, never kept back in a TLS buffer.
  transport::io_result try_write(std::span<const char> from) noexcept override;
  // Decrypting and encrypting are steps of their own.
  void fetch() noexcept override;
  transport::io_result put(std::span<const char> from) noexcept override;
  transport::io_result flush() noexcept override;
  void finish() noexcept override;
  transport::readiness& ready() noexcept override { return below_->ready(); }
  std::optional<boost::asio::ip::address> peer_address() const override { return below_->peer_address(); }
  std::string reason() const override;

  bool resumed() const noexcept { return SSL_session_reused(connection_.get()) == 1; }
  // The peer wants HTTP/2 to be spoken; after the handshake.
  bool http2() const noexcept;
  // For what asks about the peer's certificate.
  const SSL* connection() const noexcept { return connection_.get(); }

 private:
  transport::io_result encrypt(std::span<const char> from) noexcept;
  std::size_t take_fetched(std::span<char> into) noexcept;
  transport::io_result result_of(int returned) noexcept;
  void fail_as_below() noexcept;
  static int verified(int preverified, X509_STORE_CTX* check);
  handshake_end end_of_failed() const noexcept;
  friend struct channel_bio;

  std::unique_ptr<transport::channel> below_;
  connection_ptr connection_;
  // Encrypted: what was fetched, and up to where it is read; what was put, and up to where it is sent.
  std::string fetched_;
  std::string put_;
  std::size_t read_to_ = 0;
  std::size_t sent_to_ = 0;
  bool putting_ = false;
  std::string refused_;  // why the certificate was refused
  std::string failure_;
  unsigned long error_ = 0;  // OpenSSL's code for it
  handshake_end ended_ = handshake_end::failed;
  bool below_ended_ = false;
};

}  // namespace gateway::tls
