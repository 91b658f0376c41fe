#pragma once
// Asio's types bound to the one executor that is used, which spares the type-erased one on every operation.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace simulator {

namespace asio = boost::asio;

using io_executor = asio::io_context::executor_type;
template <class T = void>
using task = asio::awaitable<T, io_executor>;
using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, io_executor>;
using tcp_acceptor = asio::basic_socket_acceptor<asio::ip::tcp, io_executor>;
using timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, io_executor>;

// Errors come back as values: auto [error, size] = co_await ...
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<io_executor>> as_result{};

}  // namespace simulator
