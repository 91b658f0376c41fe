// Two replicas and Redis, each in a network namespace of its own: a rolling replacement under load, with the ports, probes, preStop,
// drain and grace period that the chart renders. This test is kubelet, Deployment and Service in one: it starts processes, asks their probes, forwards connections to those that are
// ready, learns late (as kube-proxy does) that one is not, and kills what outlives its grace period.
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { cluster } from './cluster.mjs';
import { configuration } from './cross.mjs';
import { ask, key, pause, stage, until } from './programs.mjs';
import { changed, example, objects, template } from './render.mjs';

const late = 2000;   // ms in which nodes still send new connections to a pod that is going
const allowed = { rate: 20, per: 1000 };
const values = other => changed(example('production-values.yaml'), {
  'autoscaling.enabled': false, replicas: 2, threads: 1,
  'config.accounts.production.limits': { sessions: [{ rate: allowed.rate, per: '1s' }], queue: { length: 1000, max_wait: '10s' } },
  ...other,
});

class service {
  ready = [];
  turn = 0;
  constructor(address, port) { Object.assign(this, { address, port }); }
  // Connections go to the ready ones in turn, as a Service hands them out.
  async listen() {
    this.server = createServer(client => {
      const to = this.ready[this.turn++ % this.ready.length];
      if (!to) { client.destroy(); return; }
      const upstream = connect(to.port('api'), to.address);
      client.pipe(upstream).pipe(client);
      client.on('error', () => upstream.destroy());
      upstream.on('error', () => client.destroy());
    });
    await new Promise(done => this.server.listen(this.port, this.address, done));
  }
}

function post(agent, door, id) {
  const body = JSON.stringify({ language: 'de', price_zone_default: 'AT', is_smart_optimization_active_default: true,
    success_url: 'https://www.my-customerportal.com/success', cancel_url: 'https://www.my-customerportal.com/error',
    user_id: `a169451c-8525-4352-b8ca-${String(id).padStart(12, '0')}` });
  return new Promise(done => {
    const sent = request({ agent, port: door.port, host: door.address, method: 'POST', path: '/v1/accounts/production/onboarding-sessions',
      headers: { 'Content-Type': 'application/json', 'Content-Length': body.length, Authorization: `Bearer ${key}`, 'Idempotency-Key': `key-${id}`, Prefer: 'wait=12' } }, answer => {
      let text = '';
      answer.on('data', bytes => { text += bytes; });
      answer.on('error', error => done({ status: 0, text: String(error) }));
      answer.on('end', () => done({ status: answer.statusCode, text }));
    });
    sent.on('error', error => done({ status: 0, text: String(error), reused: sent.reusedSocket }));
    sent.end(body);
  });
}

// Replaces both pods of what these values render, as the manifests say and under load, and tells what was seen.
async function replacement(given) {
  const rendered = objects(template('helm-4', given).out);
  const deployment = rendered.find(o => o.kind === 'Deployment');
  const pod = deployment.spec.template.spec;
  const container = pod.containers[0];
  const { maxSurge, maxUnavailable } = deployment.spec.strategy.rollingUpdate;
  assert.deepEqual([deployment.spec.replicas, maxSurge, maxUnavailable], [2, 1, 0]);
  const portOf = name => container.ports.find(p => p.name === name).containerPort;
  const network = new cluster();
  const on = new stage();
  try {
    const simulator = await on.simulator(['app.podero.com'], [], network.pod('simulator'));
    const redis = network.pod('redis');
    const redisPort = await on.redis('not-a-secret', redis);
    let number = 0;
    const start = async () => {
      const name = `pod-${++number}`;
      const place = network.pod(name);
      const config = structuredClone(configuration([{ kind: 'ConfigMap', data: { 'gateway.yaml': on.provide(rendered.find(o => o.kind === 'ConfigMap' && o.data['gateway.yaml']).data['gateway.yaml']) } }]));
      config.control_socket = `${on.folder}/${name}.sock`;
      config.accounts.production.resolve = { 'app.podero.com': `${simulator.address}:${simulator.api}` };
      config.accounts.production.tls = { ca_file: simulator.ca };
      // How long a busy machine may stand still is not the question here.
      config.shared_state.redis.timeout = '2s';
      config.shared_state.redis.url = `redis://${redis.address}:${redisPort}/0`;
      const process = on.gateway(config, name, place);
      const one = { name, address: place.address, port: portOf, process, gone: place.gone };
      const probe = p => async () => {
        if (process.over) throw new Error(`${name}: ${process.said}`);
        const { path, port } = container[p].httpGet;
        return (await ask(`http://${place.address}:${portOf(port)}${path}`)).status === 200;
      };
      await until(`${name} has started`, container.startupProbe.periodSeconds * container.startupProbe.failureThreshold, probe('startupProbe'));
      await until(`${name} is ready`, 30, probe('readinessProbe'));
      return one;
    };
    const port = rendered.find(o => o.kind === 'Service').spec.ports.find(p => p.name === 'api').port;
    const door = new service(network.address, port);
    await door.listen();
    door.ready = [await start(), await start()];

    // Load: more than is allowed would be refused in the end, so callers ask for what is allowed; keep-alive connections.
    const agent = new Agent({ keepAlive: true, maxSockets: 32 });
    const answers = [];
    let asked = 0, loading = true;
    const callers = Array.from({ length: 8 }, async () => {
      while (loading) {
        const id = ++asked;
        let got = await post(agent, door, id);
        // What an HTTP client does by itself (RFC 9112 9.3.1): an idle connection was closed just as it was used.
        if (got.status === 0 && got.reused) { got = await post(agent, door, id); got.again = true; }
        answers.push({ id, ...got });
        await pause(350);
      }
    });
    await until('sessions are created', 75, () => answers.filter(a => a.status === 201).length > 20);

    const ended = [];
    const stop = async one => {
      // As the kubelet does: the end of being an endpoint and preStop begin together, and nodes learn of the former late.
      const began = Date.now();
      setTimeout(() => { door.ready = door.ready.filter(r => r !== one); }, late);
      await pause((container.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1000);
      one.process.kill('SIGTERM');
      const killer = setTimeout(() => one.process.kill('SIGKILL'), pod.terminationGracePeriodSeconds * 1000 - (Date.now() - began));
      const { code, signal } = await one.process.ended;
      clearTimeout(killer);
      one.gone();
      ended.push({ name: one.name, code, signal, after: Date.now() - began });
    };
    const first = [...door.ready];
    const going = [];
    const before = answers.length;
    for (const old of first) {
      door.ready.push(await start());
      await pause(deployment.spec.minReadySeconds * 1000);
      going.push(stop(old));          // an update does not wait for the end of those that drain
    }
    await Promise.all(going);
    const during = answers.length - before;
    await pause(3000);
    loading = false;
    await Promise.all(callers);
    agent.destroy();
    door.server.close();

    const statuses = {};
    for (const a of answers) statuses[a.status] = (statuses[a.status] ?? 0) + 1;
    const busiest = JSON.parse((await ask(`http://${simulator.address}:${simulator.control}/busiest?operation=create&per=1s`)).text);
    const sessions = JSON.parse((await ask(`http://${simulator.address}:${simulator.control}/sessions`)).text);
    const seen = { statuses, during, lost: answers.slice(before).filter(a => a.status === 0 || a.status >= 500), ended, busiest: busiest.most,
      made: sessions.total, told: statuses[201], sentAgain: answers.filter(a => a.again).length };
    console.log(JSON.stringify({ ...seen, lost: seen.lost.length }));
    assert.ok(during > 100, 'there was load');
    assert.ok(seen.busiest > 0 && seen.busiest <= allowed.rate, 'a window was broken');
    return seen;
  } finally { await on.end(); network.end(); }
}

function assertSmooth(seen) {
  assert.deepEqual(seen.lost, [], 'requests were lost');
  assert.equal(seen.ended.length, 2);
  for (const e of seen.ended) assert.deepEqual([e.code, e.signal], [0, null], `${e.name} ended by itself within its grace period`);
  assert.equal(seen.made, seen.told, 'every session that was made was told, none was made twice');
}

test('a rolling replacement under load loses no request and breaks no window', { timeout: 300_000 }, async () => {
  assertSmooth(await replacement(values({})));
});

test('nor does one with the sleep of preStop instead of the delay of draining', { timeout: 300_000 }, async () => {
  assertSmooth(await replacement(values({ preStopSleepSeconds: 5, 'config.drain.delay': '0s' })));
});

test('without either, requests are lost, and this test sees it', { timeout: 300_000 }, async () => {
  const seen = await replacement(values({ preStopSleepSeconds: 0, 'config.drain.delay': '0s' }));
  assert.ok(seen.lost.length > 0, 'nothing was lost: then the tests above prove nothing');
});
