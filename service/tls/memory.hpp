#pragma once

#include <cstddef>

namespace gateway::tls {

// OpenSSL takes and gives back some large pieces of memory all the time: a connection's two buffers with every record,
// and more in a handshake. From here on they come from a place of their own, with a few kept at hand by each thread, so
// that this costs next to nothing, and a crowd's handshakes leave no holes among what stays: what is not at hand goes
// back to the system. Everything else OpenSSL gets from the C library, as before.
//
// To be called before anything of OpenSSL's is used. False: something was, or there is no such place to be had;
// then nothing is changed.
bool keep_buffers_apart() noexcept;

// What is in use or at hand, of the pieces of each size.
struct buffers_in_use {
  std::size_t small = 0;
  std::size_t large = 0;
};
buffers_in_use count_buffers() noexcept;

}  // namespace gateway::tls
