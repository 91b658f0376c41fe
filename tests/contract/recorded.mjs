// recorded.mjs FOLDER: holds every answer that the tests recorded there (support/recording, support/record.mjs) against the contract. Fails
// where one has something that is not documented, and where something documented was never seen.
import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Contract } from './contract.mjs';
import { exchanges } from './wire.mjs';

const [folder] = process.argv.slice(2);
const contract = new Contract();
const faults = new Map(); // text -> {times, example}
const ends = { well: 0, 'cut off': 0, 'no HTTP': 0 };
const sources = {};
let answers = 0;

function note(fault, from, one) {
  const what = `${one.status ?? ''} ${one.method ?? '?'} ${(one.target ?? '?').slice(0, 100)}: ${fault}`;
  const sort = `${one.status ?? ''}: ${fault}`;
  const known = faults.get(sort) ?? { times: 0, example: `${from}: ${what}\n      ${(one.body ?? '').slice(0, 300)}` };
  ++known.times;
  faults.set(sort, known);
}

for (const file of readdirSync(folder).filter(name => name.endsWith('.ndjson')).sort())
  for await (const line of createInterface({ input: createReadStream(join(folder, file)), crlfDelay: Infinity })) {
    const one = JSON.parse(line);
    const { end, all } = one.exchange ? { end: 'well', all: [one.exchange] } : exchanges(one);
    ++ends[end];
    if (end === 'no HTTP') note('what came is no HTTP', one.from, { body: one.got });
    for (const exchange of all) {
      ++answers;
      sources[one.from] = (sources[one.from] ?? 0) + 1;
      for (const fault of contract.check(exchange)) note(fault, one.from, exchange);
    }
  }

console.log(`${answers} answers of ${Object.entries(sources).map(([name, n]) => `${name} (${n})`).join(', ')}`);
console.log(`${ends['cut off']} connections ended within an answer`);
const pairs = contract.operations.reduce((n, one) => n + Object.keys(one.responses).length, 0);
const unseen = contract.unseen();
console.log(`${pairs - unseen.length} of ${pairs} documented pairs of operation and status were seen`);
for (const name of unseen) console.log(`  never seen: ${name}`);
for (const [sort, { times, example }] of [...faults].sort((a, b) => b[1].times - a[1].times)) console.log(`  ${times} times ${sort}\n    ${example}`);
if (answers === 0) console.log('  nothing was recorded');
process.exit(unseen.length || faults.size || answers === 0 ? 1 : 0);
