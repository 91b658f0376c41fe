// With the variable GATEWAY_RECORD: every answer that `fetch` gets of a gateway is written down for tests/contract, a line {"from",
// "exchange"} each, as tests/support/recording does for the programs in C++.
import { appendFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const folder = process.env.GATEWAY_RECORD;
const origins = new Set();
const from = basename(process.argv[1] ?? 'node');
const latin = bytes => Buffer.from(bytes).toString('latin1');

const write = line => appendFileSync(join(folder, `${from}.${process.pid}.ndjson`), JSON.stringify({ from, ...line }) + '\n');

// What went over a connection of the test's own making, as texts of a character a byte.
export function record_connection(sent, got) {
  if (folder && got) write({ sent, got });
}

function keep(url, options, answer, bytes) {
  const { pathname, search } = new URL(url);
  const exchange = { method: options.method ?? 'GET', target: pathname + search, status: answer.status, fields: [...answer.headers], body: latin(bytes) };
  write({ exchange });
}

// `api`: http://ADDRESS:PORT of a gateway's listener for callers.
export function record(api) {
  if (!folder) return;
  if (origins.size === 0) {
    const plain = globalThis.fetch;
    globalThis.fetch = async (url, options = {}) => {
      const answer = await plain(url, options);
      if (!origins.has(new URL(url).origin)) return answer;
      // Of an answer that is cut off the test hears, too.
      answer.clone().arrayBuffer().then(bytes => keep(url, options, answer, bytes), () => {});
      return answer;
    };
  }
  origins.add(api);
}
