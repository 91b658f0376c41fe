// What holds the answers against the contract finds what it is there for.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Contract } from './contract.mjs';
import { exchanges } from './wire.mjs';

const id = '497f6eca-6276-4993-bfeb-53cbbbba6f08';
const problem = { type: '/problems/not-found', title: 'There is nothing here', status: 404, detail: 'd', instance: `urn:uuid:${id}`, request_id: id, upstream_effect: 'none', retry: 'never' };
const fields = [['x-request-id', id], ['cache-control', 'no-store'], ['content-type', 'application/problem+json'], ['content-length', '1']];
const not_found = { method: 'GET', target: `/v1/accounts/sandbox/onboarding-sessions/${id}`, status: 404, fields, body: JSON.stringify(problem) };
const contract = new Contract();
const body = changes => JSON.stringify({ ...problem, ...changes });

test('an answer that is as documented has no fault, and is counted', () => {
  assert.deepEqual(contract.check(not_found), []);
  assert.equal(contract.seen.get('readSession 404'), 1);
  assert.ok(!contract.unseen().includes('readSession 404'));
  assert.ok(contract.unseen().includes('readSession 200') && contract.unseen().includes('readSession 500'));
});

const spoiled = {
  'a status that the operation does not have': [{ status: 418 }, /has no 418/],
  'a header that nobody documented': [{ fields: [...fields, ['x-powered-by', 'x']] }, /undocumented header x-powered-by/],
  'a header that must be there': [{ fields: fields.slice(1) }, /no X-Request-Id/],
  'a header that comes twice': [{ fields: [...fields, fields[0]] }, /2 times/],
  'a header with another value': [{ fields: fields.map(([name, value]) => [name, name === 'cache-control' ? 'public' : value]) }, /Cache-Control: public/],
  'a media type': [{ fields: fields.map(([name, value]) => [name, name === 'content-type' ? 'text/html' : value]) }, /media type text\/html/],
  'a member that nobody documented': [{ body: body({ stack: 'x' }) }, /additional properties stack/],
  'a member deep inside': [{ body: body({ decision: { guard: 'window', more: 1 } }) }, /\/decision must NOT have additional properties more/],
  'a member that must be there': [{ body: body({ retry: undefined }) }, /retry/],
  'a member of another type': [{ body: body({ detail: 7 }) }, /\/detail must be string/],
  'a problem that goes with another status': [{ body: body({ type: '/problems/rate-limited' }) }, /does not go with 404/],
  'another status inside': [{ body: body({ status: 400 }) }, /says status 400/],
  'no JSON': [{ body: '{' }, /no JSON/],
  'no UTF-8': [{ body: '{"type":"\xff"}' }, /no JSON/],
  'a path that is in no operation, and has something': [{ target: '/v2/x', status: 200 }, /no operation/],
  'a method that is in no operation, and has something': [{ method: 'PUT', status: 200 }, /no 200|no operation/],
};
for (const [what, [changes, expected]] of Object.entries(spoiled))
  test(`found: ${what}`, () => assert.match(contract.check({ ...not_found, ...changes }).join('\n'), expected));

test('lines are looked at one by one', () => {
  const summary = { summary: { lines: 1, created: 0, reused: 0, replayed: 0, failed: 1, complete: true } };
  const batch = lines => contract.check({ method: 'POST', target: '/v1/accounts/sandbox/onboarding-sessions/batch', status: 200, body: lines.map(line => `${JSON.stringify(line)}\n`).join(''),
    fields: [['x-request-id', id], ['cache-control', 'no-store'], ['content-type', 'application/x-ndjson']] });
  assert.deepEqual(batch([{ line: 1, status: 404, problem }, summary]), []);
  assert.match(batch([{ line: 1, status: 404, problem: { ...problem, more: 1 } }, summary]).join(), /\/problem must NOT have additional/);
});

test('requests and answers over one connection are told apart, with lengths, with chunks, and where nobody can read them', () => {
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}', none = 'HTTP/1.1 204 No Content\r\nAllow: GET\r\n\r\n';
  const { end, all } = exchanges({
    sent: 'GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHEAD /c HTTP/1.1\r\n\r\n\x16\x03nonsense',
    got: `${ok}HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n${none}`,
  });
  assert.equal(end, 'well');
  assert.deepEqual(all.map(one => [one.method, one.target, one.status, one.body]), [['GET', '/a', 200, '{}'], ['POST', '/b', 200, '{}'], ['HEAD', '/c', 200, ''], [undefined, undefined, 204, '']]);
  assert.equal(exchanges({ sent: 'GET /a HTTP/1.1\r\n\r\n', got: ok.slice(0, -1) }).end, 'cut off');
  assert.equal(exchanges({ sent: 'GET /a HTTP/1.1\r\n\r\n', got: `${ok}garbage` }).end, 'no HTTP');
});

const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'contract-recorded.'));
after(() => rmSync(folder, { recursive: true, force: true }));
const recorded = lines => {
  writeFileSync(join(folder, 'test.1.ndjson'), lines.map(line => `${JSON.stringify({ from: 'test', ...line })}\n`).join(''));
  return spawnSync(process.execPath, [join(here, 'recorded.mjs'), folder], { encoding: 'utf8' });
};

test('the whole of what was recorded is no good where something is not documented, where something was never seen, and where nothing was recorded', () => {
  const nothing = recorded([]);
  assert.equal(nothing.status, 1);
  assert.match(nothing.stdout, /nothing was recorded/);
  const one = recorded([{ exchange: not_found }]);
  assert.equal(one.status, 1);
  assert.match(one.stdout, /never seen: readSession 200/);
  assert.doesNotMatch(one.stdout, /never seen: readSession 404| times /);
  assert.match(recorded([{ exchange: { ...not_found, status: 418 } }]).stdout, /1 times 418: readSession has no 418/);
  assert.match(recorded([{ sent: 'GET /v1/accounts HTTP/1.1\r\n\r\n', got: 'garbage' }]).stdout, /what came is no HTTP/);
});
