// The programs that are compared: how each is started, and where its requests go. All of them run on one core, end with this
// program, and keep what they write in a folder of their own.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = dirname(fileURLToPath(import.meta.url));
export const pause = ms => new Promise(done => setTimeout(done, ms));
const taken = new Set();
export const free_port = () => new Promise(done => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => (taken.has(port) ? done(free_port()) : (taken.add(port), done(port))));
  });
});

const sha256 = text => createHash('sha256').update(text).digest('hex');
export const keys = { portal: 'example-key-of-the-bench-not-real', refused: 'example-key-of-the-refused-not-real' };
const token = 'example-token-not-real-'.padEnd(250, '0123456789abcdef');   // long, as signed tokens are
const session = id => `{"authentication_url":"https://connect.podero.com?onboarding_session_id=${id}","id":"${id}","user":"a169451c-8525-4352-b8ca-070dd449a1a5","success_url":"https://my-customerportal.com/success","cancel_url":"https://my-customerportal.com/error","expiration_date":"2030-08-24","object_id":null,"external_metadata":{}}`;
const fixed = session('497f6eca-6276-4993-bfeb-53cbbbba6f08');
export const creation = '{"language":"de","price_zone_default":"AT","is_smart_optimization_active_default":true,"success_url":"https://my-customerportal.com/success","cancel_url":"https://my-customerportal.com/error","user_id":"a169451c-8525-4352-b8ca-070dd449a1a5"}';
const upstream_path = '/api/partners/v2.0/device-onboarding';
const gateway_path = '/v1/accounts/sandbox/onboarding-sessions';

export class Stage {
  folder = mkdtempSync(join(tmpdir(), 'bench-peers-'));
  #running = [];
  // `bin`: where the gateway is; `floor`: that program; `core`: the one on which everything runs.
  constructor(bin, floor, core) { Object.assign(this, { bin, floor, core }); }

  // `before`: a tool under which it runs. `core`: another one than the stage's.
  start(name, command, { before = [], core = this.core } = {}) {
    const child = spawn('taskset', ['-c', String(core), ...before, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.said = '';
    // Everything is read, as by a container's runtime; the beginning is kept, to see what went wrong.
    for (const from of [child.stdout, child.stderr]) from.on('data', bytes => { if (child.said.length < 20000) child.said += bytes; });
    child.name = name;
    child.ended = new Promise(done => child.once('exit', () => { child.over = true; done(); }));
    child.once('error', error => { child.said += error; child.over = true; });
    this.#running.push(child);
    return child;
  }

  async answers(child, url, options) {
    for (const end = Date.now() + 60_000; Date.now() < end && !child.over; await pause(50)) {
      try { if ((await fetch(url, options)).status < 500) return; } catch { /* not yet */ }
    }
    throw new Error(`${child.name} does not answer: ${child.said.slice(0, 3000)}`);
  }

  #fill(file, values) {
    const text = readFileSync(`${here}/${file}`, 'utf8').replace(/@([A-Z0-9_]+)@/g, (whole, name) => values[name] ?? this.#values[name] ?? whole);
    if (/@[A-Z]+@/.test(text)) throw new Error(`${file} has something left to fill in: ${text.match(/@[A-Z]+@/)}`);
    return text;
  }
  #write(name, text) { writeFileSync(`${this.folder}/${name}`, text); return `${this.folder}/${name}`; }

  async upstream() {
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
      '-addext', 'subjectAltName=DNS:localhost', '-keyout', `${this.folder}/key.pem`, '-out', `${this.folder}/cert.pem`], { stdio: 'ignore' });
    this.upstream_port = await free_port();
    this.#values = { DIR: this.folder, UPSTREAM: this.upstream_port, TOKEN: token, FIXED: fixed, ANSWER: session('$session') };
    this.#write('fixed.json', fixed);
    const child = this.start('upstream', ['nginx', '-e', `${this.folder}/upstream.err`, '-c', this.#write('upstream.conf', this.#fill('upstream.conf.in', {}))]);
    await pause(300);
    if (child.over) throw new Error(child.said);
  }
  #values = {};

  async nginx(name = 'nginx', { before = [] } = {}) {
    const port = await free_port();
    const values = { NAME: name, PORT: port, MODULES: '', INIT: '', LUA: '', AUTHORIZATION: `proxy_set_header Authorization "Bearer ${token}";` };
    if (name === 'lua') {
      const parts = this.#fill('work.lua', {}).split(/^-- (?:init|access|answer).*\n/m).slice(1);
      Object.assign(values, {
        MODULES: 'load_module /usr/lib/nginx/modules/ndk_http_module.so;\nload_module /usr/lib/nginx/modules/ngx_http_lua_module.so;', AUTHORIZATION: '',
        INIT: `init_by_lua_block {\n${parts[0]}}`, LUA: `access_by_lua_block {\n${parts[1]}}\nbody_filter_by_lua_block {\n${parts[2]}}` });
    }
    const conf = this.#write(`${name}.conf`, this.#fill('nginx.conf.in', values));
    // Under a tool there is one process, as tools follow no workers.
    const child = this.start(name, ['nginx', '-e', `${this.folder}/${name}.err`, ...(before.length ? ['-g', 'master_process off;'] : []), '-c', conf], { before });
    const at = `http://127.0.0.1:${port}`;
    await this.answers(child, `${at}/local`);
    return { name, child, proxied: { url: at + upstream_path }, local: { url: `${at}/local` }, refused: { url: `${at}/refused` } };
  }

  // Valgrind 3.19 does not read the debugging information of clang 19.
  #without_debug(program) {
    const plain = `${this.folder}/${basename(program)}`;
    execFileSync('objcopy', ['--strip-debug', program, plain]);
    return plain;
  }

  async haproxy() {
    const port = await free_port();
    const child = this.start('haproxy', ['haproxy', '-db', '-f', this.#write('haproxy.cfg', this.#fill('haproxy.cfg.in', { PORT: port }))]);
    const at = `http://127.0.0.1:${port}`;
    await this.answers(child, `${at}/local`);
    return { name: 'haproxy', child, proxied: { url: at + upstream_path }, local: { url: `${at}/local` } };
  }

  // `upstream_port`: another upstream. `bin`: another build's. `streams`: on one connection, where the upstream speaks HTTP/2; 0: it is not asked to.
  async gateway({ before = [], loops = 1, connections = 1024, core, upstream_port = this.upstream_port, bin = this.bin, streams = 32 } = {}) {
    const [port, admin] = [await free_port(), await free_port()];
    const config = this.#write(`gateway-${port}.yaml`, this.#fill('gateway.yaml.in', { PORT: port, ADMIN: admin, LOOPS: loops, CONNECTIONS: connections, STREAMS: streams,
      UPSTREAM: upstream_port, KEY_SHA256: sha256(keys.portal), REFUSED_SHA256: sha256(keys.refused) }));
    const child = this.start('gateway', [before.length ? this.#without_debug(`${bin}/onboarding-gateway`) : `${bin}/onboarding-gateway`, '--config', config], { before, core });
    await this.answers(child, `http://127.0.0.1:${admin}/readyz`);
    for (const end = Date.now() + 60_000; (await fetch(`http://127.0.0.1:${admin}/readyz`)).status !== 200;) {
      if (Date.now() > end) throw new Error(`the gateway is not ready: ${child.said.slice(0, 3000)}`);
      await pause(100);
    }
    const at = `http://127.0.0.1:${port}${gateway_path}`;
    const with_key = key => ({ Authorization: `Bearer ${key}` });
    // What is replayed, and what uses up the windows of `refused`.
    const once = { ...with_key(keys.portal), 'Idempotency-Key': '"bench-4711"' };
    for (const headers of [once, with_key(keys.refused)]) {
      const made = await fetch(at, { method: 'POST', body: creation, headers: { ...headers, 'Content-Type': 'application/json' } });
      if (made.status !== 201) throw new Error(`a creation was answered with ${made.status}: ${await made.text()}`);
    }
    return { name: streams > 0 ? 'gateway' : 'gateway-http1', child, port, admin: `http://127.0.0.1:${admin}`, proxied: { url: at, headers: with_key(keys.portal) }, local: { url: at, headers: once },
      refused: { url: at, headers: with_key(keys.refused) } };
  }

  // Two of them: it does one thing.
  async floors({ before = [] } = {}) {
    const request = this.#write('floor-request', `POST ${upstream_path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nAccept: application/json\r\nX-Request-Id: 0af7651916cd43dd8448eb211c80319c\r\nContent-Length: ${creation.length}\r\n\r\n${creation}`);
    const answer = this.#write('floor-answer', `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${fixed.length}\r\n\r\n${fixed}`);
    const start = async mode => {
      const port = await free_port();
      const child = this.start('floor', [before.length ? this.#without_debug(this.floor) : this.floor, mode, port, this.upstream_port, request, answer].map(String), { before });
      const at = `http://127.0.0.1:${port}/`;
      await this.answers(child, at);
      return { name: 'floor', child, [mode === 'proxy' ? 'proxied' : 'local']: { url: at } };
    };
    return [await start('proxy'), await start('local')];
  }

  // Its process and those that it made.
  static processes(child) {
    const below = pid => {
      let made = [];
      try { made = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).filter(Boolean); } catch { /* has just ended */ }
      return [pid, ...made.flatMap(below)];
    };
    return below(String(child.pid));
  }

  async stop(child) {
    // TERM to all of it: a tool in front may keep it to itself.
    for (const pid of Stage.processes(child).reverse()) try { process.kill(Number(pid), 'SIGTERM'); } catch { /* was quicker */ }
    const hard = setTimeout(() => { for (const pid of Stage.processes(child)) try { process.kill(Number(pid), 'SIGKILL'); } catch { /* the same */ } }, 10_000);
    await child.ended;
    clearTimeout(hard);
  }
  async end() {
    for (const child of this.#running.reverse()) if (!child.over) await this.stop(child);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
