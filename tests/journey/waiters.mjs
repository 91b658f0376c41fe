// waiters.mjs BIN [WAITERS SESSIONS]: callers that wait for sessions to be completed, each over a connection of its own. Shown: what Podero is
// asked meanwhile against the configured pace, what a waiter costs in memory, and that everybody is answered at the end. By default 400 on
// 40; `waiters.mjs build/release/bin 10000 1000` is the full size (`ulimit -n` above that). The memory counts only in a release build: the sanitizers
// of another one have their own ways with it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { record_connection } from '../support/record.mjs';
import { World, eventually, keys, later } from '../support/world.mjs';

const [bin, ...sizes] = process.argv.slice(2);
const [waiters, sessions] = [Number(sizes[0] ?? 400), Number(sizes[1] ?? 40)];
const measures_memory = /release/.test(bin);
const key = keys['customer-portal'];
const pace = { interval: 2, longest: 30 }; // seconds

// How many polls of a session may begin within so many seconds.
function polls_within(seconds) {
  let [count, step, at] = [0, pace.interval, 0];
  for (; at <= seconds; ++count) [at, step] = [at + step, Math.min(pace.longest, step * 1.5)];
  return count;
}

const world = await World.start(bin, { accounts: ['production', 'sandbox', 'busy'], connections: waiters + 100,
  more: `    completion_polls: { interval: ${pace.interval}s, max_interval: ${pace.longest}s }\n    max_wait_state: 10m\n` });
const sockets = [];
try {
  const pid = world.gateway.process.pid;
  const resident = () => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
  const reads = async () => [...(await (await fetch(`${world.admin}/metrics`)).text()).matchAll(/^onboarding_gateway_upstream_requests_total\{(.*)\} (\d+)/gm)]
    .filter(([, labels]) => labels.includes('account="busy"') && labels.includes('operation="read_session"')).reduce((sum, [, , n]) => sum + Number(n), 0);

  const ids = [];
  const create = async () => {
    const body = { language: 'de', price_zone_default: 'AT', success_url: 'https://a.example/s', cancel_url: 'https://a.example/c', user_id: 'a169451c-8525-4352-b8ca-070dd449a1a5' };
    const made = await fetch(`${world.api}/v1/accounts/busy/onboarding-sessions`, { method: 'POST', headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    assert.equal(made.status, 201);
    ids.push((await made.json()).id);
  };
  while (ids.length < sessions) await Promise.all(Array.from({ length: Math.min(20, sessions - ids.length) }, create));

  const { hostname, port } = new URL(world.api);
  let answered = 0, completed = 0;
  const wait = id => new Promise((done, failed) => {
    const socket = new Socket();
    sockets.push(socket);
    const asked = `GET /v1/accounts/busy/onboarding-sessions/${id} HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer ${key}\r\nPrefer: wait=600\r\n\r\n`;
    let text = '';
    socket.on('close', () => record_connection(asked, text));
    socket.setEncoding('latin1').on('error', failed).on('data', piece => {
      text += piece;
      if (!text.includes('\r\n\r\n') || !text.includes('"gateway":')) return;
      ++answered;
      if (text.startsWith('HTTP/1.1 200') && text.includes('"state":"completed"')) ++completed;
    });
    socket.connect(Number(port), hostname, () => socket.write(asked, done));
  });
  const began = Date.now();
  const points = [];
  // The first fifth warms up what is there once, whatever the number.
  for (let n = 0; n < waiters;) {
    for (const end = Math.min(waiters, n + Math.ceil(waiters / 5)); n < end;) {
      const some = Array.from({ length: Math.min(100, end - n) }, (_, i) => wait(ids[(n + i) % sessions]));
      await Promise.all(some);
      n += some.length;
    }
    await later(1000);
    points.push([n, resident()]);
  }
  const [[few, before], [many, after]] = [points[0], points.at(-1)];
  const per_waiter = (after - before) / (many - few);
  console.log(`${waiters} waiters on ${sessions} sessions: ${points.map(([n, bytes]) => `${n}: ${(bytes / 1048576).toFixed(1)} MiB`).join(', ')}`);
  console.log(`resident memory per waiter: ${per_waiter.toFixed(0)} bytes${measures_memory ? '' : ' (not a release build: not judged)'}`);

  await later(Math.max(0, 12000 - (Date.now() - began)));
  assert.equal(answered, 0, 'nobody is answered before there is something to say');
  const asked = await reads(), seconds = (Date.now() - began) / 1000;
  const most = sessions * polls_within(seconds);
  console.log(`Podero was asked ${asked} times in ${seconds.toFixed(1)} s; the pace allows ${most}`);
  assert.ok(asked >= sessions && asked <= most, `${asked} reads`);

  const finishing = Date.now();
  for (let i = 0; i < ids.length; i += 20) await Promise.all(ids.slice(i, i + 20).map(id => world.order('busy', `/sessions/${id}/complete`, {})));
  await eventually('everybody is answered', () => answered === waiters, 60000);
  assert.equal(completed, waiters);
  console.log(`everybody was answered ${((Date.now() - finishing) / 1000).toFixed(1)} s after the first completion`);
  if (measures_memory) assert.ok(per_waiter < 4096, `${per_waiter} bytes per waiter`);
} finally {
  sockets.forEach(socket => socket.destroy());
  await world.stop();
}
