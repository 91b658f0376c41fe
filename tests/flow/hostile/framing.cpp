// Where a request ends, told in two ways, or in none.
#include "flow/hostile/rows.hpp"

namespace gateway::flow::hostile {
namespace {

row refused(std::string what, std::string bytes) {
  return {std::move(what), std::move(bytes), 400, "malformed-request", closed};
}
row framed(std::string what, std::string_view lines) {
  return refused(std::move(what), creation(lines) + "5\r\nhello\r\n0\r\n\r\n");
}
row in_chunks(std::string what, std::string_view body) {
  return refused(std::move(what), chunked(body));
}
std::string in_http_1_0(std::string_view lines) {
  return "POST " + sessions_path + " HTTP/1.0\r\nHost: g\r\n" + authorization + json_type + std::string{lines} +
         "\r\n0\r\n\r\n";
}

}  // namespace

rows framing() {
  return {
      framed("a length, then chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
      framed("chunks, then a length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
      framed("a length of nothing, and chunks", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
      framed("a coding that is not chunked", "Transfer-Encoding: gzip\r\n"),
      framed("a coding before chunked", "Transfer-Encoding: gzip, chunked\r\n"),
      framed("a coding after chunked", "Transfer-Encoding: chunked, gzip\r\n"),
      framed("chunked twice in a line", "Transfer-Encoding: chunked, chunked\r\n"),
      framed("chunked in two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
      framed("chunked, and another line", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"),
      framed("the identity coding", "Transfer-Encoding: identity\r\n"),
      framed("something like chunked", "Transfer-Encoding: xchunked\r\n"),
      framed("chunked with a parameter", "Transfer-Encoding: chunked;q=1\r\n"),
      framed("chunked in quotes", "Transfer-Encoding: \"chunked\"\r\n"),
      framed("chunked and a comma", "Transfer-Encoding: chunked,\r\n"),
      framed("a coding without a name", "Transfer-Encoding:\r\n"),
      framed("chunked after a vertical tab", "Transfer-Encoding: \vchunked\r\n"),
      framed("chunked before a NUL", "Transfer-Encoding: chunked\0\r\n"s),
      framed("chunked before a byte that some take for a space", "Transfer-Encoding: chunked\xa0\r\n"),
      framed("a space before the colon of Transfer-Encoding", "Transfer-Encoding : chunked\r\n"),
      framed("a tab before the colon of Transfer-Encoding", "Transfer-Encoding\t: chunked\r\n"),
      framed("a folded Transfer-Encoding", "Transfer-Encoding:\r\n chunked\r\n"),
      framed("a Transfer-Encoding that begins with a space", " Transfer-Encoding: chunked\r\n"),
      framed("a Transfer-Encoding behind a bare CR", "X-A: 1\rTransfer-Encoding: chunked\r\n"),
      framed("a Transfer-Encoding behind a bare LF", "X-A: 1\nTransfer-Encoding: chunked\r\n"),
      framed("a NUL in the name of Transfer-Encoding", "Transfer-Encoding\0: chunked\r\n"s),
      refused("chunks in HTTP/1.0", in_http_1_0("Transfer-Encoding: chunked\r\n")),
      refused("chunks and a length in HTTP/1.0", in_http_1_0("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")),
      framed("two equal lengths", "Content-Length: 5\r\nContent-Length: 5\r\n"),
      framed("two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n"),
      framed("a list of equal lengths", "Content-Length: 5, 5\r\n"),
      framed("a list of lengths", "Content-Length: 5,6\r\n"),
      framed("a length with a plus", "Content-Length: +5\r\n"),
      framed("a negative length", "Content-Length: -5\r\n"),
      framed("a hexadecimal length", "Content-Length: 0x5\r\n"),
      framed("a length with a decimal point", "Content-Length: 5.0\r\n"),
      framed("a length with an exponent", "Content-Length: 5e0\r\n"),
      framed("a length of two words", "Content-Length: 5 5\r\n"),
      framed("a length without digits", "Content-Length:\r\n"),
      framed("a length of 2^64", "Content-Length: 18446744073709551616\r\n"),
      framed("a length of thirty digits", "Content-Length: 000000000000000000000000000005\r\n"),
      framed("a length with letters behind it", "Content-Length: 5abc\r\n"),
      framed("a length in digits that are not ASCII", "Content-Length: \xd9\xa5\r\n"),
      framed("a length in quotes", "Content-Length: \"5\"\r\n"),
      framed("a folded length", "Content-Length: 5\r\n 0\r\n"),
      framed("a bare LF behind a length", "Content-Length: 5\n\r\n"),
  };
}

rows chunks() {
  rows all{
      in_chunks("a chunk's size that is no number", "xyz\r\nhello\r\n0\r\n\r\n"),
      in_chunks("a chunk's size that is missing", "\r\nhello\r\n0\r\n\r\n"),
      in_chunks("a negative chunk", "-5\r\nhello\r\n0\r\n\r\n"),
      in_chunks("a chunk's size with a plus", "+5\r\nhello\r\n0\r\n\r\n"),
      in_chunks("a chunk's size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"),
      in_chunks("a chunk's size after a space", " 5\r\nhello\r\n0\r\n\r\n"),
      in_chunks("a chunk's size before a space", "5 \r\nhello\r\n0\r\n\r\n"),
      in_chunks("a chunk's size of more than 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
      in_chunks("a chunk's size with too many zeros", "00000000000000005\r\nhello\r\n0\r\n\r\n"),
      in_chunks("a chunk's size that ends in a bare LF", "5\nhello\r\n0\r\n\r\n"),
      in_chunks("a chunk's size that ends in a bare CR", "5\rhello\r\n0\r\n\r\n"),
      in_chunks("more bytes than the chunk has", "5\r\nhello!\r\n0\r\n\r\n"),
      in_chunks("fewer bytes than the chunk has", "6\r\nhello\r\n0\r\n\r\n"),
      in_chunks("a chunk that ends in a bare LF", "5\r\nhello\n0\r\n\r\n"),
      in_chunks("a chunk that ends in something else", "5\r\nhelloXX0\r\n\r\n"),
      in_chunks("an extension without a name", "5;\r\nhello\r\n0\r\n\r\n"),
      in_chunks("an extension with nothing but a value", "5;=1\r\nhello\r\n0\r\n\r\n"),
      in_chunks("an extension without its value", "5;a=\r\nhello\r\n0\r\n\r\n"),
      in_chunks("an extension without its semicolon", "5 a=1\r\nhello\r\n0\r\n\r\n"),
      in_chunks("an extension in quotes that do not end", "5;a=\"\r\nhello\"\r\n0\r\n\r\n"),
      in_chunks("a bare LF in an extension", "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"),
      in_chunks("a bare LF in the last chunk's extension", "0;a=\"\n\"\r\n\r\n"),
      in_chunks("a NUL in an extension", "5;a=\"\0\"\r\nhello\r\n0\r\n\r\n"s),
      in_chunks("an extension of 5 KiB", "5;a=" + std::string(5 * 1024, 'x') + "\r\nhello\r\n0\r\n\r\n"),
      in_chunks("a last chunk that is none", "0x\r\n\r\n"),
      in_chunks("a length behind the body", "0\r\nContent-Length: 5\r\n\r\n"),
      in_chunks("a coding behind the body", "0\r\nTransfer-Encoding: chunked\r\n\r\n"),
      in_chunks("a host behind the body", "0\r\nHost: other.example\r\n\r\n"),
      in_chunks("a trailer without a colon", "0\r\nTrailer\r\n\r\n"),
      in_chunks("a trailer without a name", "0\r\n: x\r\n\r\n"),
      in_chunks("a space before a trailer's colon", "0\r\nX-A : x\r\n\r\n"),
      in_chunks("a folded trailer", "0\r\nX-A: x\r\n y\r\n\r\n"),
      in_chunks("a bare LF in a trailer", "0\r\nX-A: x\nX-B: y\r\n\r\n"),
      in_chunks("trailers without end",
                [] {
                  std::string flood = "0\r\n";
                  for (int i = 0; i < 1000; ++i) flood += "X-Flood-" + std::to_string(i) + ": xxxxxxxx\r\n";
                  return flood;
                }()),
      {"a chunk beyond the limit", chunked("10001\r\n"), 413, "content-too-large", closed},
      {"a chunk of 2^64 - 1", chunked("ffffffffffffffff\r\n"), 413, "content-too-large", closed},
  };
  std::string crumbs;
  for (int i = 0; i < 100; ++i) crumbs += "1;a=" + std::string(250, 'x') + "\r\n \r\n";
  all.push_back(in_chunks("one byte of body in every 260", crumbs));
  return all;
}

}  // namespace gateway::flow::hostile
