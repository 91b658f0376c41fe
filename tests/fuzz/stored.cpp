// Any bytes as what the shared store keeps: records that were written read the same, and nothing opens that was not
// sealed here, under this name, and left as it was.
#include "fuzz/expect.hpp"
#include "store/record_forms.hpp"
#include "store/sealing.hpp"

namespace {

using namespace gateway;
using fuzz::expect;

void check_records(std::string_view bytes) {
  if (const auto answer = store::read_answer(bytes)) {
    const auto again = store::read_answer(store::written(*answer));
    expect(again && again->status == answer->status && again->session == answer->session && again->body == answer->body,
           "an answer that was written reads the same");
    expect(answer->session.size() + answer->body.size() < bytes.size(), "an answer comes from the record");
  }
  if (const auto live = store::read_live(bytes)) {
    const auto again = store::read_live(store::written(*live));
    expect(again && again->session == live->session && again->upstream_body == live->upstream_body &&
               again->expires_at == live->expires_at,
           "a session that was written reads the same");
  }
}

void check_writing(std::string_view bytes) {
  const auto half = bytes.size() / 2;
  const store::kept_answer answer{static_cast<unsigned>(bytes.size()), std::string{bytes.substr(0, half)},
                                  std::string{bytes.substr(half)}};
  const auto read = store::read_answer(store::written(answer));
  expect(read && read->status == answer.status && read->session == answer.session && read->body == answer.body,
         "an answer of any bytes reads the same");
}

void check_sealing(std::string_view bytes) {
  static const store::sealing seals{secrets::secret{"example-secret-not-real"}, "fuzz"};
  static random::seeded_source randomness{1};
  expect(!seals.unseal(bytes, "name"), "what was not sealed does not open");
  auto sealed = seals.seal(bytes, "name", randomness);
  const auto opened = seals.unseal(sealed, "name");
  expect(opened && *opened == bytes, "what was sealed opens as it was");
  expect(!seals.unseal(sealed, "other"), "what was moved to another name does not open");
  expect(!seals.unseal(std::string_view{sealed}.substr(0, sealed.size() - 1), "name"), "what was cut does not open");
  const auto where = bytes.empty() ? 0 : static_cast<unsigned char>(bytes.front()) % sealed.size();
  sealed[where] = static_cast<char>(sealed[where] ^ (1 << (bytes.size() % 8)));
  expect(!seals.unseal(sealed, "name"), "what was changed does not open");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text_of(data, size);
  check_records(bytes);
  check_writing(bytes);
  check_sealing(bytes);
  return 0;
}
