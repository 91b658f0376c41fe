// replicas.mjs BIN: callers of two replicas wait for one session: Podero is asked once for both, both are answered, and the completion is
// counted once.
import assert from 'node:assert/strict';
import { World, eventually, keys, later } from '../support/world.mjs';

const [bin] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${keys['customer-portal']}`, 'Content-Type': 'application/json' };
const world = await World.start(bin, { shared: 2, more: '    completion_polls: { interval: 1s, max_interval: 30s }\n' });
try {
  const path = '/v1/accounts/production/onboarding-sessions';
  const body = JSON.stringify({ language: 'de', price_zone_default: 'AT', success_url: 'https://a.example/s', cancel_url: 'https://a.example/c', user_id: 'a169451c-8525-4352-b8ca-070dd449a1a5' });
  // An empty Redis holds back for a while.
  const { id } = await eventually('a session is made', async () => {
    const made = await fetch(world.api + path, { method: 'POST', headers, body });
    const answer = await made.json();
    return made.status === 201 && answer;
  }, 90000);
  const sum = async (name, ...labels) => {
    let all = 0;
    for (const { admin } of world.gateways)
      for (const line of (await (await fetch(`${admin}/metrics`)).text()).split('\n'))
        if (line.startsWith(`onboarding_gateway_${name}{`) && labels.every(l => line.includes(l))) all += Number(line.split(' ').pop());
    return all;
  };
  const reads = () => sum('upstream_requests_total', 'account="production"', 'operation="read_session"');
  const began = Date.now();
  const waiting = world.gateways.map(({ api }) => fetch(`${api}${path}/${id}`, { headers: { ...headers, Prefer: 'wait=60' } }).then(answer => answer.json()));
  await later(6000);
  const asked = await reads(), seconds = (Date.now() - began) / 1000;
  let [most, at, step] = [0, 0, 1];
  for (; at <= seconds; ++most) [at, step] = [at + step, step * 1.5];
  console.log(`two replicas asked Podero ${asked} times in ${seconds.toFixed(1)} s; the pace of one allows ${most}`);
  assert.ok(asked >= 2 && asked <= most, `${asked} reads`);
  await world.order('production', `/sessions/${id}/complete`, {});
  for (const answer of await Promise.all(waiting)) assert.equal(answer.gateway.state, 'completed');
  await eventually('the completion is counted', async () => await sum('sessions_total', 'account="production"', 'outcome="completed"') === 1);
  await later(500);
  assert.equal(await sum('sessions_total', 'account="production"', 'outcome="completed"'), 1);
  console.log('both callers were answered, and the completion was counted once');
} finally {
  await world.stop();
}
