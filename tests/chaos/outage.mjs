// outage.mjs BIN: the disasters of an evening, in their order, before a real Prometheus with the real rules. Two gateways share a Redis and
// have three accounts: of one Podero is gone, of one the credentials are revoked, then Redis dies. No gateway becomes unready or ends, the
// third account is served all the time, the right alert fires, and it ends when the disaster does.
//
// The third account has no windows. One that has them goes on with its degraded share, which a gateway may use once its Redis has been known
// for ten minutes (store/degraded_share.hpp): longer than this takes.
//
// The rules are those of deploy/, but for time: `for` is 2 s, every group is evaluated each second, and the circuit is looked at over 5 s instead
// of a minute, what failed over 10 s instead of five minutes; otherwise each alert would take its minutes, which tests/alerts look after.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { World, eventually, later } from '../support/world.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../deploy/helm/onboarding-gateway/rules');
const rules = readdirSync(folder).filter(name => name.endsWith('.yaml')).map(name => readFileSync(join(folder, name), 'utf8')
  .replace(/^ {4}interval: .*\n/gm, '').replace(/^( +for:) .*$/gm, '$1 2s').replace('breaker_state[1m]', 'breaker_state[5s]')
  .replace(/(increase\(onboarding_gateway_upstream_\w+\{[^}]*\})\[5m\]/g, '$1[10s]'));

const world = await World.start(process.argv[2], { shared: 2, accounts: ['production', 'sandbox', 'partner'], open_for: '2s' });
const disasters = ['OnboardingGatewayBreakerOpen', 'OnboardingGatewayCredentialsRefused', 'OnboardingGatewayAccountNotReady', 'OnboardingGatewayStoreDegraded'];
const firing = async () => (await world.alerts()).filter(alert => alert.state === 'firing' && disasters.includes(alert.labels.alertname)).map(({ labels }) => `${labels.alertname} ${labels.account || ''}`.trim()).sort();
const say = what => console.log(`${new Date().toISOString().slice(11, 19)} ${what}`);

// All the time, in the background: ready, alive, and the third account served by each gateway.
const seen = { ready: 0, served: 0, faults: [] };
let over = false;
async function watch() {
  while (!over) {
    for (const { admin, api, program } of world.gateways) {
      if (program.over) seen.faults.push('a gateway has ended');
      for (const path of ['/readyz', '/livez']) {
        const answer = await fetch(admin + path);
        const body = await answer.text();
        if (answer.status === 200) seen.ready += 1; else seen.faults.push(`${path}: ${body}`);
      }
      const status = await world.create('partner', 'customer-portal', { api });
      if (status === 201) seen.served += 1; else seen.faults.push(`a creation of the third account: ${status}`);
    }
    await later(250);
  }
}
// Callers do not stop asking.
async function ask(account) {
  const all = [];
  for (const { api } of world.gateways) all.push(await world.create(account, 'customer-portal', { api, wait: 2 }));
  return all;
}
async function fires(expected, account) {
  await eventually(`firing: ${expected}`, async () => {
    if (account) for (const { api } of world.gateways) await (account === 'sandbox' ? world.read(account, 'customer-portal', api) : world.create(account, 'customer-portal', { api, wait: 2 }));
    const now = await firing();
    return expected.length === now.length && expected.every((one, i) => one === now[i]);
  }, 90000);
  const [alert] = (await world.alerts()).filter(a => a.state === 'firing' && expected[0]?.startsWith(a.labels.alertname));
  if (alert) {
    assert.doesNotMatch(alert.annotations.summary + alert.annotations.description, /error|<no value>|%!/);
    say(`firing: ${expected.join(', ')} ("${alert.annotations.summary}")`);
  } else say('nothing fires any more');
}

let watching;
try {
  await eventually('the third account is served by both', async () => (await ask('partner')).every(status => status === 201));
  await world.start_prometheus(rules);
  watching = watch();

  say('Podero refuses every connection of production');
  await world.order('production', '/faults', { match: { operation: 'connection' }, action: { handshake: 'reset' } });
  await world.order('production', '/connections/close', { how: 'reset' });
  await fires(['OnboardingGatewayBreakerOpen production'], 'production');
  assert.ok((await ask('production')).every(status => status === 503 || status === 502));
  await world.order('production', '/faults', undefined, 'DELETE');
  say('production can be reached again, and nobody asks: the circuits stay half-open, the alert ends');
  await fires([]);
  assert.deepEqual((await world.query('onboarding_gateway_breaker_state{account="production"}')).map(one => one.value[1]), ['1', '1']);
  assert.ok((await ask('production')).every(status => status === 201));

  say('the credentials of sandbox are revoked');
  await world.order('sandbox', '/faults', { match: { operation: 'token' }, action: { status: 401, body: { error: 'invalid_client' } } });
  await world.order('sandbox', '/tokens/revoke', {});
  await fires(['OnboardingGatewayAccountNotReady sandbox', 'OnboardingGatewayCredentialsRefused sandbox'], 'sandbox');
  assert.ok((await ask('production')).every(status => status === 201));
  await world.order('sandbox', '/faults', undefined, 'DELETE');
  await fires([]);

  say('Redis is killed');
  await world.redis.program.stop('SIGKILL');
  await fires(['OnboardingGatewayStoreDegraded'], 'production');
  assert.deepEqual(await ask('sandbox'), [503, 503]);
  await world.start_redis();
  await fires([]);

  say('Podero is killed for good, of production');
  await world.podero.production.program.stop('SIGKILL');
  await fires(['OnboardingGatewayBreakerOpen production'], 'production');
  over = true;
  await watching;
  assert.deepEqual(seen.faults, []);
  assert.ok(seen.ready > 40 && seen.served > 20);
  say(`ready and alive ${seen.ready} times, the third account served ${seen.served} times, and never otherwise`);
} finally {
  over = true;
  await Promise.race([watching, later(5000)]);
  await world.stop();
}
process.exit(0);
