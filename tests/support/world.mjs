// A gateway with two accounts, a simulator for each, and two callers: what the page is looked at with, in three states. On request more
// gateways that share a Redis, a third account, and a Prometheus that watches it all.
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { record } from './record.mjs';

const patience = 30000;
export const later = ms => new Promise(done => setTimeout(done, ms));
export async function eventually(what, is_so, limit = patience) {
  for (const end = Date.now() + limit; Date.now() < end; await later(50)) { const value = await is_so(); if (value) return value; }
  throw new Error(`not so in ${limit} ms: ${what}`);
}

// A program of ours, ended by its own id.
class Program {
  output = '';
  constructor(file, ...options) {
    this.process = spawn(file, options, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.process.stdout, this.process.stderr]) stream.setEncoding('utf8').on('data', text => { this.output += text; });
    this.ended = new Promise(done => this.process.once('exit', (code, signal) => { this.over = true; done(code ?? signal); }));
    this.process.once('error', error => { this.output += error; this.over = true; });
  }
  async line(text) {
    return eventually(`${text} in what ${this.process.spawnfile} says: ${this.output}`, () => {
      if (this.over) throw new Error(`${this.process.spawnfile} has ended: ${this.output}`);
      return this.output.split('\n').slice(0, -1).find(line => line.includes(text));
    });
  }
  signal(name) { this.process.kill(name); }
  async stop(signal = 'SIGTERM') {
    if (!this.over) this.process.kill(signal);
    return this.ended;
  }
}

export const keys = { 'customer-portal': 'example-key-of-the-portal-not-real', 'field-tools': 'example-key-of-the-tools-not-real' };
const secret = 'example-secret-not-real';

// Not bound any more when it is used, which other tests of this machine might notice; those ask the kernel for theirs.
export async function free_port() {
  const server = createServer();
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise(done => server.close(done));
  return port;
}

export class World {
  accounts = ['production', 'sandbox'];
  gateways = [];
  // `bin`: where the compiled programs are. `shared`: so many gateways, which share a Redis. `accounts`: a simulator
  // for each; those beyond production and sandbox have no windows. `open_for`: how long a circuit is open. `attempts`: how often a request is sent.
  // `more`: further lines of every account's settings, or a function that has them of an account's name. `connections`: how many callers may be connected.
  static async start(bin, { shared = 0, accounts, open_for = '60s', attempts = 1, more = '', connections = 1000 } = {}) {
    const world = new World();
    Object.assign(world, { open_for, attempts, more, connections });
    if (accounts) world.accounts = accounts;
    try {
      await world.#begin(bin, shared);
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  async #begin(bin, shared) {
    this.folder = mkdtempSync(join(tmpdir(), 'gateway-world.'));
    writeFileSync(join(this.folder, 'secret'), secret);
    this.podero = {};
    for (const account of this.accounts) {
      const ports = join(this.folder, `${account}.ports`), ca = join(this.folder, `${account}.pem`);
      const program = new Program(join(bin, 'podero-simulator'), '--port', '0', '--control-port', '0', '--ports-file', ports, '--ca-out', ca, '--client-id', 'demo-client', '--client-secret-file', join(this.folder, 'secret'));
      this.podero[account] = { program, ca };
      await eventually(`the simulator of ${account} listens: ${program.output}`, () => program.over || (existsSync(ports) && readFileSync(ports, 'utf8').trim().endsWith('}')));
      Object.assign(this.podero[account], JSON.parse(readFileSync(ports, 'utf8')));
    }
    if (shared) {
      this.redis = { port: await free_port() };
      await this.start_redis();
    }
    this.config = join(this.folder, 'gateway.yaml');
    writeFileSync(this.config, this.#configuration(shared));
    for (let i = 0; i < Math.max(1, shared); ++i) this.gateways.push({ program: new Program(join(bin, 'onboarding-gateway'), '--config', this.config) });
    for (const gateway of this.gateways) {
      const ready = JSON.parse(await gateway.program.line('ready to serve'));
      gateway.api = `http://${ready.api}`;
      record(gateway.api);
      gateway.admin = `http://${ready.admin}`;
    }
    [this.gateway, this.api, this.admin] = [this.gateways[0].program, this.gateways[0].api, this.gateways[0].admin];
    for (const { admin } of this.gateways) await eventually('every account has a token', async () => (await (await fetch(`${admin}/status`)).json()).accounts.every(a => a.token.usable));
  }

  // The first gateway reads what `change` makes of the configuration, and says `heard`.
  async reload(change, heard) {
    const text = change(readFileSync(this.config, 'utf8'));
    writeFileSync(this.config, text);
    this.gateway.signal('SIGHUP');
    await this.gateway.line(heard);
  }

  // On the same port and with what it had written, if it was killed.
  async start_redis() {
    this.redis.program = new Program('redis-server', '--port', String(this.redis.port), '--bind', '127.0.0.1', '--dir', this.folder, '--appendonly', 'yes', '--save', '', '--maxmemory-policy', 'noeviction', '--loglevel', 'notice');
    await this.redis.program.line('Ready to accept connections');
  }

  // A Prometheus that scrapes the gateways every second, with `rules`: texts of rule files. What the job is called says nothing of what is scraped,
  // as where a scrape configuration takes all pods.
  async start_prometheus(rules) {
    const files = rules.map((text, i) => { const file = join(this.folder, `rules-${i}.yaml`); writeFileSync(file, text); return file; });
    const config = join(this.folder, 'prometheus.yaml');
    writeFileSync(config, JSON.stringify({ global: { scrape_interval: '1s', evaluation_interval: '1s' }, rule_files: files,
      scrape_configs: [{ job_name: 'kubernetes-pods', static_configs: [{ targets: this.gateways.map(g => g.admin.slice('http://'.length)) }] }] }));
    const port = await free_port();
    this.prometheus = new Program('prometheus', `--config.file=${config}`, `--storage.tsdb.path=${join(this.folder, 'tsdb')}`, `--web.listen-address=127.0.0.1:${port}`);
    await this.prometheus.line('Server is ready to receive web requests');
    this.prometheus_at = `http://127.0.0.1:${port}/api/v1`;
    await eventually('every gateway is scraped', async () => (await this.query('up == 1')).length === this.gateways.length);
  }
  async prometheus_says(path) {
    const answer = await (await fetch(this.prometheus_at + path)).json();
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  }
  async query(expression) { return (await this.prometheus_says(`/query?query=${encodeURIComponent(expression)}`)).result; }
  async alerts() { return (await this.prometheus_says('/alerts')).alerts; }

  #configuration(shared) {
    const account = name => `    base_url: https://localhost:${this.podero[name].api}/api/partners/v2.0
    token: { client_id: demo-client, client_secret_file: ${join(this.folder, 'secret')} }
    tls: { ca_file: ${this.podero[name].ca} }
    retries: { attempts: ${this.attempts} }
    circuit_breaker: { window: 10s, min_requests: 3, failure_ratio: 0.5, open_for: ${this.open_for} }
${typeof this.more === 'function' ? this.more(name) : this.more}`;
    // On an empty Redis windows are full for their length, at most a minute: nobody here waits for that.
    const wide = shared ? '    limits: { requests: [ { rate: 50, per: 1s } ] }\n' : `    limits:
      requests: [ { rate: 50, per: 1s }, { rate: 1500, per: 1m } ]
      sessions: [ { rate: 600, per: 1m } ]
`;
    const digest = key => createHash('sha256').update(key).digest('hex');
    return `listeners:
  api: { address: 127.0.0.1, port: 0, max_connections: ${this.connections}, max_connections_per_peer: ${this.connections} }
  admin: { address: 127.0.0.1, port: 0 }
threads: 2
accounts:
  production:
${account('production')}${wide}${this.accounts.filter(name => !['production', 'sandbox'].includes(name)).map(name => `  ${name}:\n${account(name)}`).join('')}  sandbox:
${account('sandbox')}    test_account: nibe-demo
    limits: { queue: { length: 100, max_wait: 120s } }
    timeouts: { total: 130s }
test_accounts:
  nibe-demo: { open_sessions: 3, slot_ttl: 15m, limits: { sessions: [ { rate: 2, per: 20s }, { rate: 30, per: 1h }, { rate: 200, per: 24h } ] } }
callers:
  customer-portal: { key_sha256: [ ${digest(keys['customer-portal'])} ], accounts: [ ${this.accounts.join(', ')} ], weight: 4 }
  field-tools: { key_sha256: [ ${digest(keys['field-tools'])} ], accounts: [ sandbox ] }
drain: { delay: 0s, timeout: 1s }
log: { level: info }
${shared ? `shared_state: { store: redis, redis: { url: "redis://127.0.0.1:${this.redis.port}", timeout: 250ms }, max_replicas: ${shared} }\n` : ''}`;
  }

  users = []; // whose sessions were asked for
  async status() {
    this.seen = await (await fetch(`${this.admin}/status`)).json();
    return this.seen;
  }
  // Resolves to the status of the answer.
  // A batch of one line, which is refused: it is counted, and nothing is made.
  async batch(account, caller, { api = this.api } = {}) {
    const headers = { Authorization: `Bearer ${keys[caller]}`, 'Content-Type': 'application/x-ndjson' };
    const answer = await fetch(`${api}/v1/accounts/${account}/onboarding-sessions/batch`, { method: 'POST', headers, body: '{"body":{}}\n' });
    await answer.text();
    return answer.status;
  }

  async create(account, caller, { key = keys[caller], wait, path = 'onboarding-sessions', user = randomUUID(), api = this.api } = {}) {
    this.users.push(user);
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
    if (wait !== undefined) headers.Prefer = `wait=${wait}`;
    const body = JSON.stringify({ language: 'de', price_zone_default: 'AT', is_smart_optimization_active_default: true, success_url: 'https://my-customerportal.com/success', cancel_url: 'https://my-customerportal.com/error', user_id: user });
    const answer = await fetch(`${api}/v1/accounts/${account}/${path}`, { method: 'POST', headers, body });
    await answer.text();
    return answer.status;
  }
  // Of a session that nobody has: it needs a token, and no permit of a creation.
  async read(account, caller, api = this.api) {
    const answer = await fetch(`${api}/v1/accounts/${account}/onboarding-sessions/${randomUUID()}`, { headers: { Authorization: `Bearer ${keys[caller]}` } });
    await answer.text();
    return answer.status;
  }
  async order(account, path, order, method = 'POST') {
    const answer = await fetch(`http://127.0.0.1:${this.podero[account].control}${path}`, { method, body: order && JSON.stringify(order) });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  }
  async in_state(state) {
    return eventually(`the state is ${state}`, async () => (await this.status()).state === state);
  }

  async calm() {
    for (let i = 0; i < 6; ++i) await this.create('production', 'customer-portal');
    await this.create('sandbox', 'field-tools');
    await this.in_state('calm');
  }
  // Two open sessions more are wanted than the window admits: one waits, another has no time to.
  async limited() {
    await this.create('sandbox', 'customer-portal', { wait: 1 });
    await this.create('sandbox', 'field-tools', { wait: 1 });
    await this.create('sandbox', 'field-tools', { wait: 1 });
    this.waiting = this.create('sandbox', 'field-tools', { wait: 60 }).catch(() => 0);
    await eventually('somebody waits', async () => { const one = (await this.status()).accounts[1]; return one.queue.length === 1 && one.queue.oldest_seconds > 1; });
    await this.in_state('limited');
  }
  // One account's Podero is gone; of the other the credentials are refused.
  async outage() {
    await this.order('sandbox', '/faults', { match: { operation: 'token' }, action: { status: 401, body: { error: 'invalid_client' } } });
    await this.order('sandbox', '/tokens/revoke', {});
    await this.podero.production.program.stop('SIGKILL');
    // The circuit opens when half of the last ten seconds' requests have failed, however many succeeded before.
    await eventually('the circuit is open', async () => {
      await this.create('production', 'customer-portal', { wait: 2 });
      return (await this.status()).accounts[0].circuit === 'open';
    });
    await this.create('sandbox', 'field-tools', { key: 'a-wrong-key-not-real' });
    await this.waiting;
    await eventually('the credentials are refused', async () => {
      await this.read('sandbox', 'field-tools');
      const [production, sandbox] = (await this.status()).accounts;
      return production.circuit === 'open' && sandbox.token.state === 'refused';
    });
    await this.in_state('outage');
  }

  async stop() {
    const running = [this.prometheus, ...this.gateways.map(g => g.program), this.redis?.program, ...Object.values(this.podero || {}).map(p => p.program)];
    await Promise.all(running.filter(Boolean).map(program => program.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
