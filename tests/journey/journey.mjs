// journey.mjs BIN [FOLDER]: an end user's whole way in a real browser, between the real gateway and the simulator. With a folder, a picture of
// where it ends is left there.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Browser, installed } from '../support/browser.mjs';
import { World, eventually, keys } from '../support/world.mjs';

const skipped = 77; // what CTest is told
if (!installed) {
  console.log('chromium is not installed (Debian: chromium), so nobody walks the way');
  process.exit(skipped);
}
const [bin, pictures] = process.argv.slice(2);
const caller = 'customer-portal';
const interval = 1000; // of the polls, in ms

// The customer portal, to which the browser comes back.
const portal = createServer((request, response) => {
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  const device = new URL(request.url, 'http://localhost').searchParams.get('deviceId');
  response.end(`<!doctype html><title>Portal</title><h1>${request.url.startsWith('/success') ? 'Connected' : 'Not connected'}</h1><p id="device">${device ?? ''}</p>`);
});
await new Promise(done => portal.listen(0, 'localhost', done));
const home = `http://localhost:${portal.address().port}`;

async function api(world, method, path, { body, headers = {} } = {}) {
  const answer = await fetch(`${world.api}/v1/accounts/sandbox${path}`, {
    method, headers: { Authorization: `Bearer ${keys[caller]}`, ...(body ? { 'Content-Type': 'application/json' } : {}), ...headers }, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : undefined };
}

async function make_user(world) {
  const made = await api(world, 'POST', '/users', { body: { email: `${randomUUID()}@example.com` }, headers: { 'Idempotency-Key': randomUUID() } });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.equal(made.body.role, 'user');
  return made.body.id;
}

async function make_session(world, user) {
  const made = await api(world, 'POST', '/onboarding-sessions', { headers: { Prefer: 'wait=60' }, body: {
    language: 'en', price_zone_default: 'AT', success_url: `${home}/success?from=portal`, cancel_url: `${home}/cancelled`, user_id: user } });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body;
}

const held = async world => (await api(world, 'GET', '')).body.slots.held.length;
const wait = (world, id) => api(world, 'GET', `/onboarding-sessions/${id}`, { headers: { Prefer: 'wait=60' } }).then(answer => ({ answer, at: Date.now() }));
const click = (browser, selector) => browser.value(`document.querySelector(${JSON.stringify(selector)}).click()`);

// From the manufacturer's form to the way back.
async function authenticate_and_link(browser) {
  await browser.until(`document.querySelector('#password') !== null`);
  await browser.value(`document.querySelector('#email').value = 'jane@example.com'; document.querySelector('#password').value = 'not-real'; document.querySelector('#password').form.requestSubmit()`);
  await browser.until(`location.pathname === '/link-device' && document.readyState === 'complete'`);
  await browser.value(`document.querySelector('form[action="/link-device"]').requestSubmit()`);
  await browser.until(`location.href.startsWith(${JSON.stringify(`${home}/success`)}) && document.readyState === 'complete'`);
}

async function the_whole_way(world, browser) {
  const user = await make_user(world);
  const session = await make_session(world, user);
  assert.equal(await held(world), 1);
  const waiting = wait(world, session.id);
  const shown = (await eventually('the account shows the pace', async () => (await api(world, 'GET', '')).body.open_sessions.find(one => one.id === session.id && one.poll_interval_seconds)));
  assert.ok(shown.poll_interval_seconds >= interval / 1000);
  await browser.open(session.gateway.connect_urls.any);
  await browser.until(`document.querySelector('a[href^="/heat-pumps?"]') !== null`);
  await click(browser, 'a[href^="/heat-pumps?"]');
  await browser.until(`document.querySelector('a[href^="/heat-pumps/nibe"]') !== null`);
  await click(browser, 'a[href^="/heat-pumps/nibe"]');
  await authenticate_and_link(browser);
  const completed = Date.now();
  const landed = new URL(await browser.value('location.href'));
  const device = landed.searchParams.get('deviceId');
  assert.match(device, /^[0-9a-f-]{36}$/);
  assert.equal(landed.searchParams.get('from'), 'portal');
  if (pictures) writeFileSync(join(pictures, 'journey.png'), Buffer.from((await browser.send('Page.captureScreenshot', { format: 'png' })).data, 'base64'));

  const { answer, at } = await waiting;
  assert.equal(answer.status, 200);
  assert.equal(answer.body.gateway.state, 'completed');
  assert.equal(answer.body.object_id, device);
  assert.equal(answer.headers.get('preference-applied'), 'wait=60');
  const told = Number(answer.headers.get('server-timing').match(/^poll;desc="interval";dur=([\d.]+)$/)[1]);
  assert.ok(at - completed <= told + 5000, `answered ${at - completed} ms after the end, with polls ${told} ms apart`);
  assert.equal(await held(world), 0, 'completion gives the slot back');

  const path = `/users/${user}/heat-pumps`;
  const list = await api(world, 'GET', path);
  assert.deepEqual(list.body.map(one => one.id), [device]);
  const one = await api(world, 'GET', `${path}/${device}`);
  assert.equal(one.status, 200);
  assert.equal(one.body.id, device);
  assert.match(one.headers.get('cache-control'), /^private, max-age=\d+$/);
  const again = await api(world, 'GET', `${path}/${device}`, { headers: { 'If-None-Match': one.headers.get('etag') } });
  assert.equal(again.status, 304);
  return { after: at - completed, told };
}

async function the_cancelled_way(world, browser) {
  const session = await make_session(world, await make_user(world));
  assert.equal(await held(world), 1);
  await browser.open(session.gateway.connect_urls.any);
  await browser.until(`document.querySelector('form[action="/cancel"]') !== null`);
  await browser.value(`document.querySelector('form[action="/cancel"]').requestSubmit()`);
  await browser.until(`location.href.startsWith(${JSON.stringify(`${home}/cancelled`)})`);
  // Podero does not tell of a cancellation: the caller gives the slot back.
  assert.equal((await api(world, 'GET', `/onboarding-sessions/${session.id}`)).body.gateway.state, 'pending');
  assert.equal(await held(world), 1);
  assert.equal((await api(world, 'DELETE', `/onboarding-sessions/${session.id}/slot`)).status, 204);
  assert.equal(await held(world), 0);
}

async function the_shortcut(world, browser) {
  const session = await make_session(world, await make_user(world));
  await browser.open(session.gateway.connect_urls.heat_pump);
  await browser.until(`location.pathname === '/heat-pumps' && document.querySelector('a[href^="/heat-pumps/nibe"]') !== null`);
  await click(browser, 'a[href^="/heat-pumps/nibe"]');
  await authenticate_and_link(browser);
  // Back from the browser: one look now, without waiting for the next poll.
  const looked = await api(world, 'GET', `/onboarding-sessions/${session.id}`, { headers: { 'Cache-Control': 'no-cache' } });
  assert.equal(looked.body.gateway.state, 'completed');
  assert.equal(looked.body.object_id, new URL(await browser.value('location.href')).searchParams.get('deviceId'));
  assert.equal(await held(world), 0);
}

const world = await World.start(bin, { more: `    org_id: ${randomUUID()}
    allow_http_redirects: true
    completion_polls: { interval: ${interval}ms, max_interval: 5s }
` });
let browser;
try {
  browser = await Browser.start();
  await browser.trust_everybody();
  const { after, told } = await the_whole_way(world, browser);
  console.log(`the whole way: the waiting caller was answered ${after} ms after the browser landed, with polls ${told} ms apart`);
  await the_cancelled_way(world, browser);
  console.log('the cancelled way: the slot was given back');
  await the_shortcut(world, browser);
  console.log('the shortcut to heat pumps: completed, seen by a look with no-cache');
} finally {
  await browser?.stop();
  await world.stop();
  portal.close();
  portal.closeAllConnections();
}
