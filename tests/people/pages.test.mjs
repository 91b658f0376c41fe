// The snippets of docs/, run as they stand against a gateway and a simulator.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ask, bin, freePort, key, stage, until } from '../chart/programs.mjs';
import { program as chromium } from '../support/browser.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const docs = `${here}/../../docs`;
// The fenced blocks of one language, in the order of the page. What is indented is not meant to be run here.
const snippets = (page, language) => [...readFileSync(`${docs}/${page}`, 'utf8').matchAll(/^```(\w+)\n([^]*?)^```$/gm)].filter(m => m[1] === language).map(m => m[2]);

function run(command, args, options) {
  return new Promise(done => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000, ...options });
    let out = '', err = '';
    child.stdout.on('data', bytes => { out += bytes; });
    child.stderr.on('data', bytes => { err += bytes; });
    child.on('close', (code, signal) => done({ code, signal, out, err }));
  });
}

const org = '016b78a7-0c7c-4241-a277-015c3ad3cb90';

// A gateway as a caller meets it: with keys, and a test account with room for what the page does.
async function running(on) {
  const simulator = await on.simulator(['localhost']);
  const [api, admin] = [await freePort(), await freePort()];
  const gateway = on.gateway({
    listeners: { api: { address: '127.0.0.1', port: api }, admin: { address: '127.0.0.1', port: admin } },
    accounts: { sandbox: { base_url: `https://localhost:${simulator.api}/api/partners/v2.0`, token: { client_id: 'example-client-id', client_secret: 'example-secret-not-real' },
      tls: { ca_file: simulator.ca }, connect: { shortcuts: { heat_pump: '/heat-pumps' } }, org_id: org, test_account: 'demo' } },
    test_accounts: { demo: { open_sessions: 5, limits: { sessions: [{ rate: 20, per: '1m' }] } } },
    callers: { portal: { key_sha256: [createHash('sha256').update(key).digest('hex')], accounts: ['sandbox'] } },
  });
  await until('the gateway is ready', 30, async () => { if (gateway.over) throw new Error(gateway.said); return (await ask(`http://127.0.0.1:${admin}/readyz`)).status === 200; });
  const created = async () => JSON.parse((await ask(`http://127.0.0.1:${simulator.control}/sessions`)).text);
  return { simulator, created, env: { PATH: process.env.PATH, HOME: on.folder, GATEWAY: `http://127.0.0.1:${api}`, GATEWAY_KEY: key } };
}

test('getting started, with curl', { timeout: 120_000 }, async () => {
  const on = new stage();
  try {
    const { created, env, simulator } = await running(on);
    const all = snippets('getting-started.md', 'sh');
    assert.ok(all.length >= 6, `${all.length} snippets`);
    // The user, who takes until the page has read the session for the first time.
    const user = (async () => {
      const pending = await until('there is a session', 20, async () => (await created()).newest_first[0]);
      await until('the session is read', 20, async () => JSON.parse((await ask(`http://127.0.0.1:${simulator.control}/counters`)).text).reads > 0);
      return ask(`http://127.0.0.1:${simulator.control}/sessions/${pending.id}/complete`, { method: 'POST' });
    })();
    const ran = await run('bash', ['-euo', 'pipefail', '-c', all.join('\n')], { cwd: on.folder, env });
    assert.equal((await user).status, 200);
    assert.equal(ran.code, 0, ran.out + ran.err);
    assert.match(ran.out, /"sandbox"/);
    assert.match(ran.out, /"role": ?"user"/, ran.out);
    assert.match(ran.out, /^201$/m, ran.out);
    assert.match(ran.out, /send the user to https:\/\/\S+\/heat-pumps\S*onboarding_session_id=/);
    assert.match(ran.out, /^204$/m);
    assert.match(ran.out, /"state": ?"pending"[^]*"state": ?"completed"/);
    assert.equal((await created()).total, 1);
    // What is wrong is said in words.
    const creation = all.find(text => text.includes('connect_urls'));
    const wrong = await run('bash', ['-euo', 'pipefail', '-c', creation.replace('"language": "de"', '"language": 5').replace('invitation-4711', 'invitation-4710')], { cwd: on.folder, env });
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.err, /^The body has one fault, named in `errors`\. Nothing was sent to Podero\. .*#\/language.* retry: never$/m);
    assert.doesNotMatch(wrong.err, /Traceback/);
  } finally { await on.end(); }
});

test('getting started, with Python, which survives an answer that got lost', { timeout: 120_000 }, async () => {
  const on = new stage();
  try {
    const { created, env, simulator } = await running(on);
    const all = snippets('getting-started.md', 'python');
    assert.equal(all.length, 1);
    writeFileSync(`${on.folder}/client.py`, all[0]);
    const first = await run('python3', ['-W', 'error', 'client.py'], { cwd: on.folder, env });
    assert.equal(first.code, 0, first.out + first.err);
    assert.match(first.out, /^[0-9a-f-]{36} https:\/\/\S+onboarding_session_id=[0-9a-f-]{36}\n$/);
    // The same program a second time, as after a crash: the same session.
    const again = await run('python3', ['client.py'], { cwd: on.folder, env });
    assert.equal(again.out, first.out);
    assert.equal((await created()).total, 1);
    // A fault that passes, before anything was done: the loop repeats it.
    writeFileSync(`${on.folder}/third.py`, all[0].replaceAll('invitation-4712', 'invitation-4714'));
    const planted = await ask(`http://127.0.0.1:${simulator.control}/faults`, { method: 'POST', body: JSON.stringify({ match: { operation: 'create', times: 1 }, action: { status: 429, headers: { 'Retry-After': '1' } } }) });
    assert.ok(planted.status < 300, planted.text);
    const third = await run('python3', ['third.py'], { cwd: on.folder, env });
    assert.equal(third.code, 0, third.out + third.err);
    assert.equal((await created()).total, 2);
    // What must not be repeated is not.
    writeFileSync(`${on.folder}/wrong.py`, all[0].replace('"language": "de",', '"language": 5,'));
    const wrong = await run('python3', ['wrong.py'], { cwd: on.folder, env });
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.err, /\/problems\/(validation-failed|idempotency-key-reused)/);
    assert.doesNotMatch(first.out + first.err + wrong.out + wrong.err, new RegExp(key));
    // Who gives up says what stood in the way.
    const impatient = all[0].replace('patience=120', 'patience=3');
    assert.notEqual(impatient, all[0]);
    writeFileSync(`${on.folder}/nobody.py`, impatient);
    const nobody = await run('python3', ['nobody.py'], { cwd: on.folder, env: { ...env, GATEWAY: 'http://127.0.0.1:1' } });
    assert.match(nobody.err, /Refused: not within the time; last: .*Connection refused/);
    await ask(`http://127.0.0.1:${simulator.control}/faults`, { method: 'POST', body: JSON.stringify({ match: { operation: 'create' }, action: { status: 429, headers: { 'Retry-After': '60' } } }) });
    writeFileSync(`${on.folder}/full.py`, impatient.replaceAll('invitation-4712', 'invitation-4715'));
    const full = await run('python3', ['full.py'], { cwd: on.folder, env });
    assert.match(full.err, /Refused: not within the time; last: .*sandbox.* Nothing was done/);
  } finally { await on.end(); }
});

test('getting started, with TypeScript, strictly typed', { timeout: 180_000 }, async () => {
  const on = new stage();
  try {
    const { created, env } = await running(on);
    const all = snippets('getting-started.md', 'ts');
    assert.equal(all.length, 1);
    writeFileSync(`${on.folder}/client.mts`, all[0]);
    const compiled = await run('node', [`${here}/node_modules/typescript/bin/tsc`, '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', '--moduleResolution', 'nodenext',
      '--typeRoots', `${here}/node_modules/@types`, '--types', 'node', 'client.mts'], { cwd: on.folder });
    assert.equal(compiled.code, 0, compiled.out + compiled.err);
    const ran = await run('node', ['client.mjs'], { cwd: on.folder, env });
    assert.equal(ran.code, 0, ran.out + ran.err);
    assert.match(ran.out, /^[0-9a-f-]{36} https:\/\/\S+onboarding_session_id=[0-9a-f-]{36}\n$/);
    assert.equal((await created()).total, 1);
    const made = readFileSync(`${on.folder}/client.mjs`, 'utf8');
    const variant = async (name, from, to, more = {}) => {
      assert.ok(made.includes(from), from);
      writeFileSync(`${on.folder}/${name}.mjs`, made.replace(from, to).replace('invitation-4713', `invitation-${name}`));
      return run('node', [`${name}.mjs`], { cwd: on.folder, env: { ...env, ...more } });
    };
    assert.match((await variant('wrong', 'language: "de"', 'language: 5')).err, /RangeError: \/problems\/validation-failed: .*"pointer":"#\/language"/);
    assert.match((await variant('nobody', 'patience = 120', 'patience = 3', { GATEWAY: `http://127.0.0.1:${await freePort()}` })).err, /RangeError: not within the time; last: .*ECONNREFUSED/);
  } finally { await on.end(); }
});

test('testing without the shared account: gateway and simulator in CI', { timeout: 120_000 }, async () => {
  const on = new stage();
  try {
    const all = snippets('testing-without-the-shared-account.md', 'sh');
    assert.equal(all.length, 1);
    // The page's ports are fixed, to keep it short; here they must be free.
    const [api, admin] = [await freePort(), await freePort()];
    const text = all[0].replaceAll('18080', api).replaceAll('19090', admin);
    const ran = await run('bash', ['-euo', 'pipefail', '-c', text], { cwd: on.folder, env: { PATH: `${bin}:${process.env.PATH}`, HOME: on.folder } });
    assert.equal(ran.code, 0, ran.out + ran.err);
    const session = JSON.parse(readFileSync(`${on.folder}/session.json`, 'utf8'));
    assert.equal(session.gateway.state, 'pending');
    assert.match(ran.out, /deviceId=/, 'the completion tells where the browser would go');
    const log = readFileSync(`${on.folder}/gateway.log`, 'utf8');
    assert.match(log, /"audit":true/);
  } finally { await on.end(); }
});

test('testing without the shared account: the browser\'s part, with Playwright', { timeout: 180_000, skip: chromium ? false : 'chromium is not installed (Debian: chromium)' }, async () => {
  const on = new stage();
  try {
    const { created, env } = await running(on);
    const all = snippets('testing-without-the-shared-account.md', 'ts');
    assert.equal(all.length, 1);
    writeFileSync(`${on.folder}/onboarding.spec.ts`, all[0]);
    writeFileSync(`${on.folder}/package.json`, '{ "type": "module" }');
    symlinkSync(`${here}/node_modules`, `${on.folder}/node_modules`);
    writeFileSync(`${on.folder}/portal.ts`, `export const createInvitation = async more => (await fetch(process.env.GATEWAY + '/v1/accounts/sandbox/onboarding-sessions', { method: 'POST',
      headers: { Authorization: 'Bearer ' + process.env.GATEWAY_KEY, 'Content-Type': 'application/json' },
      body: JSON.stringify({ price_zone_default: 'AT', success_url: 'https://my-customerportal.com/success', cancel_url: 'https://my-customerportal.com/error',
        user_id: 'a169451c-8525-4352-b8ca-070dd449a1a5', ...more }) })).json();`);
    writeFileSync(`${on.folder}/playwright.config.ts`, `export default { timeout: 60_000, use: { launchOptions: { executablePath: '${chromium}', args: ['--no-sandbox'] } } };`);
    const ran = await run('node', [`${here}/node_modules/@playwright/test/cli.js`, 'test', '--reporter=line'], { cwd: on.folder, env, timeout: 120_000 });
    assert.equal(ran.code, 0, ran.out + ran.err);
    assert.match(ran.out, /1 passed/);
    assert.equal((await created()).newest_first[0].object_id?.length, 36, JSON.stringify((await created()).newest_first[0]));
  } finally { await on.end(); }
});

test('testing without the shared account: the configuration for containers', { timeout: 120_000 }, async () => {
  const on = new stage();
  try {
    const page = 'testing-without-the-shared-account.md';
    const all = snippets(page, 'yaml');
    assert.equal(all.length, 1);
    // What stands beside it: where it is reached, and what the simulator is called.
    const commands = readFileSync(`${docs}/${page}`, 'utf8');
    assert.match(commands, /--name gateway -p 127\.0\.0\.1:8080:8080 -v certificates:\/run\/simulator:ro/);
    assert.match(commands, /--name podero [^]*--address 0\.0\.0\.0 [^]*--host-name podero --ca-out \/out\/ca\.pem/);
    const simulator = await on.simulator(['podero']);
    const text = all[0].replace('/run/simulator/ca.pem', simulator.ca);
    assert.notEqual(text, all[0]);
    const gateway = async (name, config, ...options) => {
      writeFileSync(`${on.folder}/${name}.yaml`, config);
      return run(`${bin}/onboarding-gateway`, ['--config', `${on.folder}/${name}.yaml`, ...options]);
    };
    const checked = await gateway('as-it-stands', text, '--check');
    assert.equal(checked.code, 0, checked.out + checked.err);
    const effective = await gateway('as-it-stands', text, '--print-config');
    assert.match(effective.out, /api:\n +address: "?0\.0\.0\.0"?\n +port: 8080\n/);
    const refused = await gateway('refused', text.replace(/^allow_anonymous.*\n/m, ''), '--check');
    assert.equal(refused.code, 2);
    assert.match(refused.out + refused.err, /allow_anonymous/);
    // Here the name leads to this machine, and ports must be free.
    const [api, admin] = [await freePort(), await freePort()];
    const resolved = text.replace(/^( +)base_url: .*$/m, `$&\n$1resolve: { podero: "127.0.0.1:${simulator.api}" }`);
    writeFileSync(`${on.folder}/here.yaml`, `listeners: { api: { port: ${api} }, admin: { port: ${admin} } }\n${resolved}`);
    const started = on.start(`${bin}/onboarding-gateway`, ['--config', `${on.folder}/here.yaml`]);
    await until('the gateway is ready', 30, async () => { if (started.over) throw new Error(started.said); return (await ask(`http://127.0.0.1:${admin}/readyz`)).status === 200; });
    assert.match(started.said, new RegExp(`"api":"0\\.0\\.0\\.0:${api}"`));
    const answer = await ask(`http://127.0.0.1:${api}/v1/accounts/sandbox/onboarding-sessions`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({
      language: 'de', price_zone_default: 'AT', is_smart_optimization_active_default: true, success_url: 'https://my-customerportal.com/success',
      cancel_url: 'https://my-customerportal.com/error', user_id: 'a169451c-8525-4352-b8ca-070dd449a1a5' }) });
    assert.equal(answer.status, 201, answer.text);
  } finally { await on.end(); }
});

test('every page that a page leads to is there', () => {
  const pages = readdirSync(docs).filter(f => f.endsWith('.md'));
  assert.ok(pages.length >= 4);
  for (const page of pages)
    for (const [, to] of readFileSync(`${docs}/${page}`, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g))
      assert.ok(existsSync(`${docs}/${to}`), `${page} leads to ${to}`);
});
