// Prism, which other teams put before a service: it lets through what is good, both ways, without a word, and stops what is not.
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { folder } from './contract.mjs';
import { Caller, start } from './gateway.mjs';
import { good, bad_member } from './requests.mjs';
import { eventually, free_port } from '../support/world.mjs';

const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
let world, caller, copy;

// Prism before the gateway, by that document; and a caller of it.
const running = [];
async function behind_prism(document) {
  const port = await free_port();
  const prism = spawn(process.execPath, [join(here, 'node_modules/@stoplight/prism-cli/dist/index.js'), 'proxy', document, world.api, '--host', '127.0.0.1', '--port', String(port), '--errors'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '', over = false;
  for (const stream of [prism.stdout, prism.stderr]) stream.on('data', text => { said += text; });
  prism.once('exit', () => { over = true; });
  const caller = new Caller(`http://127.0.0.1:${port}`);
  running.push(() => { caller.end(); prism.kill(); });
  await eventually('Prism listens', () => {
    if (over) throw new Error(`Prism has ended: ${said}`);
    return said.includes('Prism is listening');
  });
  return caller;
}

before(async () => {
  world = await start();
  caller = await behind_prism(join(folder, 'openapi.yaml'));
  await caller.begin();
});
after(async () => {
  for (const end of running) end();
  if (copy) rmSync(copy, { recursive: true });
  await world?.stop();
});

// What Prism itself finds wrong with a request or with the gateway's answer.
const violations = got => [...got.fields.filter(([name]) => name === 'sl-violations').map(([, value]) => value), ...(got.body.includes('stoplight.io/prism') ? [got.body] : [])];

test('what is made from the contract goes through, and so does the answer', { timeout: 300000 }, async () => {
  // OpenAPI 3.1 has no words for a stream of lines, and Prism takes it for one value.
  const all = fc.sample(good, { seed: 1, numRuns: 300 }).filter(one => one.operation !== 'createSessions');
  assert.equal(new Set(all.map(one => one.operation)).size, 10);
  for (const one of all) {
    const { 'Idempotency-Key': _, ...headers } = one.headers; // used once each; requests.mjs makes more
    const got = await caller.send({ ...one, headers });
    assert.deepEqual(violations(got), [], `${one.method} ${one.target} ${JSON.stringify(headers)} ${one.body.slice(0, 400)}`);
    assert.ok(one.expect.includes(got.status), `${one.operation}: ${got.status} ${got.body.slice(0, 400)}`);
  }
});

test('what the schemas refuse does not come to the gateway', { timeout: 300000 }, async () => {
  let stopped = 0;
  const all = fc.sample(bad_member, { seed: 1, numRuns: 200 });
  for (const one of all) {
    const got = await caller.send(one);
    assert.equal(got.status, 422, `${one.how}: ${got.body.slice(0, 400)}`);
    if (violations(got).length) ++stopped;
  }
  // The gateway refuses more than a schema can say: user information in a URL, http.
  assert.ok(stopped > all.length / 2, `Prism stopped ${stopped} of ${all.length}`);
});

test('an answer that is not as documented does not come to the caller', { timeout: 60000 }, async () => {
  copy = mkdtempSync(join(tmpdir(), 'contract-prism.'));
  cpSync(folder, copy, { recursive: true });
  const schema = JSON.parse(readFileSync(join(copy, 'schemas/account-summary.json'), 'utf8'));
  writeFileSync(join(copy, 'schemas/account-summary.json'), JSON.stringify({ ...schema, required: ['name', 'what-nobody-sends'] }));
  const stopped = await (await behind_prism(join(copy, 'openapi.yaml'))).send({ method: 'GET', target: '/v1/accounts', headers: {}, body: '' });
  assert.equal(stopped.status, 500);
  assert.match(stopped.body, /what-nobody-sends/);
});
