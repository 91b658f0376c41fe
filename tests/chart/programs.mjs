// Starts the programs as the chart would, with what the cluster provides stood in for. Everything that is started ends with the test.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './places.mjs';

export const bin = process.env.BIN ?? `${root}/build/shipped/bin`;
export const key = 'a-key-of-the-tests-not-a-secret';
export const pause = ms => new Promise(done => setTimeout(done, ms));

export const freePort = () => new Promise(done => {
  const server = createServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => done(port)); });
});

export async function until(what, seconds, look) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(50)) { const got = await look(); if (got) return got; }
  throw new Error(`not within ${seconds} s: ${what}`);
}

// Where a program runs: on this machine's loopback, unless a cluster gives it a place of its own.
const here = { address: '127.0.0.1', inside: [] };

export class stage {
  folder = mkdtempSync(join(tmpdir(), 'stage-'));
  running = [];

  start(program, args, { place = here, ...options } = {}) {
    const [first, ...words] = [...place.inside, program, ...args];
    const child = spawn(first, words, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    child.said = '';
    for (const from of [child.stdout, child.stderr]) from.on('data', bytes => { child.said += bytes; });
    child.ended = new Promise(done => child.on('exit', (code, signal) => { child.over = true; done({ code, signal, at: Date.now() }); }));
    child.on('error', error => { child.said += error; child.over = true; });
    this.running.push(child);
    return child;
  }

  async simulator(hosts, options = [], place = here) {
    const ports = `${this.folder}/ports.json`;
    const ca = `${this.folder}/simulator-ca.pem`;
    const child = this.start(`${bin}/podero-simulator`, [`--address=${place.address}`, '--port=0', `--control-address=${place.address}`, '--control-port=0', `--ports-file=${ports}`, `--ca-out=${ca}`, ...hosts.map(h => `--host-name=${h}`), ...options], { place });
    await until('the simulator listens', 20, () => existsSync(ports) || child.over);
    if (child.over) throw new Error(child.said);
    return { ...JSON.parse(readFileSync(ports, 'utf8')), address: place.address, ca };
  }

  async redis(password, place = here) {
    const port = await freePort();
    const child = this.start('redis-server', ['--port', port, '--bind', place.address, '--dir', this.folder, '--appendonly', 'yes', '--maxmemory-policy', 'noeviction', ...(password ? ['--requirepass', password] : [])].map(String), { place });
    await until('Redis listens', 20, () => child.said.includes('Ready to accept connections') || child.over);
    if (child.over) throw new Error(child.said);
    return port;
  }

  // The files that the pods would have, below this.folder; `text` with the paths changed to them.
  provide(text) {
    const value = path => path.endsWith('sha256') ? createHash('sha256').update(key).digest('hex') : path.endsWith('client-id') ? 'example-client-id' : path.endsWith('redis-password') ? 'not-a-secret' : 'example-secret-not-real';
    for (const [path] of text.matchAll(/\/run\/secrets\/[^\s"'}]+/g)) {
      mkdirSync(dirname(this.folder + path), { recursive: true });
      writeFileSync(this.folder + path, value(path) + '\n');
    }
    mkdirSync(`${this.folder}/run/simulator`, { recursive: true });
    mkdirSync(`${this.folder}/run/onboarding-gateway`, { recursive: true });
    return text.replaceAll('/run/', `${this.folder}/run/`);
  }

  // A gateway with this configuration (an object), once its line "ready to serve" is there.
  gateway(config, name = 'gateway', place = here) {
    const file = `${this.folder}/${name}.yaml`;
    writeFileSync(file, JSON.stringify(config, null, 1));   // which is YAML, too
    return this.start(`${bin}/onboarding-gateway`, ['--config', file], { place });
  }

  async end() {
    for (const child of this.running.reverse()) if (!child.over) { child.kill('SIGTERM'); setTimeout(() => child.over || child.kill('SIGKILL'), 10_000).unref(); await child.ended; }
    rmSync(this.folder, { recursive: true });
  }
}

export const ask = async (url, options) => {
  try { const answer = await fetch(url, options); return { status: answer.status, text: await answer.text() }; } catch (error) { return { status: 0, text: String(error.cause ?? error) }; }
};
