// Requests made from the contract, by seed, to the real gateway: what is good is accepted, what is spoiled is refused as it should be, and
// every answer is as the contract has it. REQUESTS (2000): how many of each seed. SEEDS (1 2 3).
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Contract } from './contract.mjs';
import { Caller, start } from './gateway.mjs';
import { request } from './requests.mjs';

const requests = Number(process.env.REQUESTS || 2000);
const seeds = (process.env.SEEDS || '1 2 3').split(' ').map(Number);
let world;
before(async () => { world = await start(); });
after(async () => { await world?.stop(); });

const of_lines = body => Buffer.from(body, 'latin1').toString().split('\n').filter(Boolean).map(line => JSON.parse(line));

// What is wrong with that answer to that request.
function faults(contract, one, got) {
  const found = contract.check(got);
  if (!one.expect.includes(got.status)) found.push(`answered ${got.status}, and not ${one.expect.join(' or ')}`);
  if (got.status >= 500) found.push('a failure of our own');
  if (!one.expect_lines || got.status !== 200) return found;
  const lines = of_lines(got.body), summary = lines.pop();
  const statuses = new Map(lines.map(line => [line.line, line.status]));
  one.expect_lines.forEach((expect, i) => { if (!expect.includes(statuses.get(i + 1))) found.push(`line ${i + 1} was answered ${statuses.get(i + 1)}, and not ${expect.join(' or ')}`); });
  if (statuses.size !== one.expect_lines.length || summary?.summary?.lines !== statuses.size || !summary.summary.complete) found.push(`${statuses.size} lines, and a summary ${JSON.stringify(summary)}`);
  return found;
}

for (const seed of seeds)
  test(`${requests} requests of seed ${seed}`, { timeout: 3600000 }, async t => {
    const contract = new Contract(), caller = new Caller(world.api), counts = { accepted: 0, refused: 0 }, statuses = {}, operations = {};
    await caller.begin();
    let number = 0;
    try {
      await fc.assert(fc.asyncProperty(request, async one => {
        // A key is used once: what comes again with it is another matter.
        const sent = one.own_key && one.expect[0] < 300 ? { ...one, headers: { ...one.headers, 'Idempotency-Key': `${seed}-${++number} ${one.headers['Idempotency-Key']}`.slice(0, 255) } } : one;
        const got = await caller.send(sent);
        assert.deepEqual(faults(contract, one, got), [], `${one.operation}, ${one.how}: ${got.body.slice(0, 600)}`);
        ++counts[got.status < 400 ? 'accepted' : 'refused'];
        statuses[got.status] = (statuses[got.status] ?? 0) + 1;
        operations[one.operation] = (operations[one.operation] ?? 0) + 1;
      }), { seed, numRuns: requests, includeErrorInReport: true });
    } finally {
      caller.end();
    }
    t.diagnostic(`${counts.accepted} accepted, ${counts.refused} refused: ${JSON.stringify(statuses)}; ${JSON.stringify(operations)}`);
    assert.ok(counts.accepted > requests / 5 && counts.refused > requests / 5, 'there were both');
    assert.equal(Object.keys(operations).length, contract.operations.length, 'every operation was asked for');
  });
