// A gateway with two accounts, a simulator for each, and two callers: what the page is looked at with, in three states.
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const patience = 30000;
export const later = ms => new Promise(done => setTimeout(done, ms));
export async function eventually(what, is_so) {
  for (const end = Date.now() + patience; Date.now() < end; await later(50)) { const value = await is_so(); if (value) return value; }
  throw new Error(`not so in ${patience} ms: ${what}`);
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
  async stop(signal = 'SIGTERM') {
    if (!this.over) this.process.kill(signal);
    return this.ended;
  }
}

const keys = { 'customer-portal': 'example-key-of-the-portal-not-real', 'field-tools': 'example-key-of-the-tools-not-real' };
const secret = 'example-secret-not-real';

export class World {
  // `bin`: where the compiled programs are.
  static async start(bin) {
    const world = new World();
    try {
      await world.#begin(bin);
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  async #begin(bin) {
    this.folder = mkdtempSync(join(tmpdir(), 'gateway-world.'));
    writeFileSync(join(this.folder, 'secret'), secret);
    this.podero = {};
    for (const account of ['production', 'sandbox']) {
      const ports = join(this.folder, `${account}.ports`), ca = join(this.folder, `${account}.pem`);
      const program = new Program(join(bin, 'podero-simulator'), '--port', '0', '--control-port', '0', '--ports-file', ports, '--ca-out', ca, '--client-id', 'demo-client', '--client-secret-file', join(this.folder, 'secret'));
      this.podero[account] = { program, ca };
      await eventually(`the simulator of ${account} listens: ${program.output}`, () => program.over || (existsSync(ports) && readFileSync(ports, 'utf8').trim().endsWith('}')));
      Object.assign(this.podero[account], JSON.parse(readFileSync(ports, 'utf8')));
    }
    const config = join(this.folder, 'gateway.yaml');
    writeFileSync(config, this.#configuration());
    this.gateway = new Program(join(bin, 'onboarding-gateway'), '--config', config);
    const ready = JSON.parse(await this.gateway.line('ready to serve'));
    this.api = `http://${ready.api}`;
    this.admin = `http://${ready.admin}`;
    await eventually('every account has a token', async () => (await this.status()).accounts.every(a => a.token.usable));
  }

  #configuration() {
    const account = name => `    base_url: https://localhost:${this.podero[name].api}/api/partners/v2.0
    token: { client_id: demo-client, client_secret_file: ${join(this.folder, 'secret')} }
    tls: { ca_file: ${this.podero[name].ca} }
    retries: { attempts: 1 }
    circuit_breaker: { window: 10s, min_requests: 3, failure_ratio: 0.5, open_for: 60s }
`;
    const digest = key => createHash('sha256').update(key).digest('hex');
    return `listeners:
  api: { address: 127.0.0.1, port: 0 }
  admin: { address: 127.0.0.1, port: 0 }
threads: 2
accounts:
  production:
${account('production')}    limits:
      requests: [ { rate: 50, per: 1s }, { rate: 1500, per: 1m } ]
      sessions: [ { rate: 600, per: 1m } ]
  sandbox:
${account('sandbox')}    test_account: nibe-demo
    limits: { queue: { length: 100, max_wait: 120s } }
    timeouts: { total: 130s }
test_accounts:
  nibe-demo: { open_sessions: 3, slot_ttl: 15m, limits: { sessions: [ { rate: 2, per: 20s }, { rate: 30, per: 1h }, { rate: 200, per: 24h } ] } }
callers:
  customer-portal: { key_sha256: [ ${digest(keys['customer-portal'])} ], accounts: [ production, sandbox ], weight: 4 }
  field-tools: { key_sha256: [ ${digest(keys['field-tools'])} ], accounts: [ sandbox ] }
drain: { delay: 0s, timeout: 1s }
log: { level: info }
`;
  }

  async status() { return (await fetch(`${this.admin}/status`)).json(); }
  // Resolves to the status of the answer.
  async create(account, caller, { key = keys[caller], wait, path = 'onboarding-sessions', user = randomUUID() } = {}) {
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
    if (wait !== undefined) headers.Prefer = `wait=${wait}`;
    const body = JSON.stringify({ language: 'de', price_zone_default: 'AT', is_smart_optimization_active_default: true, success_url: 'https://my-customerportal.com/success', cancel_url: 'https://my-customerportal.com/error', user_id: user });
    const answer = await fetch(`${this.api}/v1/accounts/${account}/${path}`, { method: 'POST', headers, body });
    await answer.text();
    return answer.status;
  }
  async order(account, path, order) {
    const answer = await fetch(`http://127.0.0.1:${this.podero[account].control}${path}`, { method: 'POST', body: JSON.stringify(order) });
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
    for (let i = 0; i < 4; ++i) await this.create('production', 'customer-portal', { wait: 2 });
    await this.create('sandbox', 'field-tools', { key: 'a-wrong-key-not-real' });
    await this.waiting;
    const id = randomUUID();
    const headers = { Authorization: `Bearer ${keys['field-tools']}` };
    await eventually('the credentials are refused', async () => {
      await (await fetch(`${this.api}/v1/accounts/sandbox/onboarding-sessions/${id}`, { headers })).text();
      const [production, sandbox] = (await this.status()).accounts;
      return production.circuit === 'open' && sandbox.token.state === 'refused';
    });
    await this.in_state('outage');
  }

  async stop() {
    const ends = [this.gateway, ...Object.values(this.podero || {}).map(p => p.program)].filter(Boolean).map(program => program.stop());
    await Promise.all(ends);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
