// replicas.mjs BIN: callers of two replicas wait for one session: Podero is asked once for both, both are answered, and the completion is
// counted once.
import assert from 'node:assert/strict';
import { World, eventually, keys, later } from '../support/world.mjs';

const [bin] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${keys['customer-portal']}`, 'Content-Type': 'application/json', Prefer: 'reuse=no' };
const world = await World.start(bin, { shared: 2, more: '    completion_polls: { interval: 1s, max_interval: 30s }\n' });
try {
  const path = '/v1/accounts/production/onboarding-sessions';
  const body = JSON.stringify({ language: 'de', price_zone_default: 'AT', success_url: 'https://a.example/s', cancel_url: 'https://a.example/c', user_id: 'a169451c-8525-4352-b8ca-070dd449a1a5' });
  // An empty Redis holds back for a while.
  const make = () => eventually('a session is made', async () => {
    const made = await fetch(world.api + path, { method: 'POST', headers, body });
    const answer = await made.json();
    return made.status === 201 && answer.id;
  }, 90000);
  const sum = async (name, ...labels) => {
    let all = 0;
    for (const { admin } of world.gateways)
      for (const line of (await (await fetch(`${admin}/metrics`)).text()).split('\n'))
        if (line.match(/^[a-z0-9_]+/)?.[0] === `onboarding_gateway_${name}` && labels.every(l => line.includes(l))) all += Number(line.split(' ').pop());
    return all;
  };
  const reads = () => sum('upstream_requests_total', 'account="production"', 'operation="read_session"');
  // A replica that the store does not answer in time (250 ms here) polls by itself, as is meant to be: the pace of both is then not that of one.
  const unanswered = async () => await sum('store_duration_seconds_count') - await sum('store_duration_seconds_bucket', 'le="0.25"');
  const complete = async (id, waiting) => {
    await world.order('production', `/sessions/${id}/complete`, {});
    for (const answer of await Promise.all(waiting)) assert.equal(answer.gateway.state, 'completed');
  };
  let tries = 1;
  for (; ; ++tries) {
    const id = await make();
    const before = { reads: await reads(), unanswered: await unanswered() };
    const began = Date.now();
    const waiting = world.gateways.map(({ api }) => fetch(`${api}${path}/${id}`, { headers: { ...headers, Prefer: 'wait=60' } }).then(answer => answer.json()));
    await later(6000);
    const asked = await reads() - before.reads, seconds = (Date.now() - began) / 1000;
    let [most, at, step] = [0, 0, 1];
    for (; at <= seconds; ++most) [at, step] = [at + step, step * 1.5];
    const late = await unanswered() - before.unanswered;
    console.log(`two replicas asked Podero ${asked} times in ${seconds.toFixed(1)} s; the pace of one allows ${most}; the store was late ${late} times`);
    await complete(id, waiting);
    if (late > 0 && tries < 5) continue;
    assert.equal(late, 0, 'the store was late in every try: this machine is too busy to tell');
    assert.ok(asked >= 2 && asked <= most, `${asked} reads`);
    break;
  }
  await eventually('the completion is counted', async () => await sum('sessions_total', 'account="production"', 'outcome="completed"') === tries);
  await later(500);
  assert.equal(await sum('sessions_total', 'account="production"', 'outcome="completed"'), tries);
  console.log('both callers were answered, and the completion was counted once');
} finally {
  await world.stop();
}
