// What a program takes for a request. CPU time comes from the kernel's own accounting of the program's threads, most else from wrk.
import { execFile, spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { Stage, here, pause } from './programs.mjs';

const run = promisify(execFile);

// Nanoseconds that the program has run, all its processes and threads together.
export function cpu_time(child) {
  let sum = 0;
  for (const pid of Stage.processes(child))
    for (const thread of readdirSync(`/proc/${pid}/task`)) sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  return sum;
}
export const resident = child => Stage.processes(child).reduce((sum, pid) => sum + Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+)/m)[1]) * 1024, 0);

// Ticks of the core, or of all where it is a list of several: all, and those that the host took away.
function ticks(core) {
  const name = /^\d+$/.test(core) ? `cpu${core}` : 'cpu';
  const numbers = readFileSync('/proc/stat', 'utf8').match(new RegExp(`^${name} +(.*)$`, 'm'))[1].trim().split(/\s+/).map(Number);
  return { all: numbers.slice(0, 8).reduce((a, b) => a + b, 0), stolen: numbers[7] };
}

// None of them is left behind, also where its turn has not come.
const loads_running = new Set();
process.on('exit', () => { for (const child of loads_running) child.kill('SIGKILL'); });

function load(core, { url, headers = {} }, connections, seconds, threads = 1) {
  const child = spawn('taskset', ['-c', String(core), 'wrk', '-t', String(threads), '-c', String(connections), '-d', `${Math.ceil(seconds)}s`, '--timeout', '20s', '--latency',
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]), '-s', `${here}/../post.lua`, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  loads_running.add(child);
  child.once('close', () => loads_running.delete(child));
  let said = '';
  child.stdout.on('data', bytes => { said += bytes; });
  const figures = new Promise((done, failed) => child.once('error', failed).once('close', () => {
    const [requests, wrong, duration, p50, p99, p999, status] = (said.match(/^BENCH (.*)$/m)?.[1] ?? '').split(' ').map(Number);
    if (requests > 0) done({ requests, failed: wrong, duration, p50, p99, p999, status });
    else failed(new Error(`wrk gave no figures: ${said}`));
  }));
  return { child, figures };
}
export const wrk = (...what) => load(...what).figures;

function check(got, { name }, path, connections) {
  // `refused`: every answer has to be one that refuses, but for the one or two with which a window begins.
  const wrong = path === 'refused' ? got.failed - got.status + Math.max(0, got.requests - got.status - 2) : got.failed;
  if (wrong > 0) throw new Error(`${wrong} of ${got.requests} requests of ${name} (${path}, ${connections}) went wrong: these figures say nothing`);
}

const scrape = async ({ admin }) => { if (admin) await (await fetch(`${admin}/metrics`)).text(); };

// One program at a time, for what it says of latency.
export async function cell(stage, program, path, connections, seconds, warm = 1) {
  const { core } = stage;
  if (warm > 0) await wrk(core, program[path], connections, warm);
  const before = { cpu: cpu_time(program.child), ticks: ticks(core) };
  // A scrape in each cell, more often than Prometheus is usually told to.
  const scraped = pause(seconds * 500).then(() => scrape(program));
  const got = await wrk(core, program[path], connections, seconds);
  await scraped;
  const now = ticks(core);
  check(got, program, path, connections);
  return { cpu: (cpu_time(program.child) - before.cpu) / 1000 / got.requests, p50: got.p50 / 1000, p99: got.p99 / 1000, p999: got.p999 / 1000, rate: got.requests / (got.duration / 1e6),
    steal: (now.stolen - before.ticks.stolen) / Math.max(1, now.all - before.ticks.all) };
}

// CPU microseconds per request of each of these programs, all under load from beginning to end, but the load of only one at a time goes on:
// by turns of a tenth of a second, each for so many seconds in all. What else the host does changes from one second to the next, by half
// and more: so all of them had the same of it.
export async function by_turns(stage, programs, path, connections, seconds, turn = 100) {
  const { core } = stage;
  const before = ticks(core);
  const begun = Date.now(), warm = 300;
  const lasts = Math.ceil((programs.length * (seconds * 1000 + warm)) / 1000 * 1.1) + 1;
  const loads = [];
  try {
    for (const program of programs) {
      const cpu = cpu_time(program.child);
      const one = { program, cpu, ...load(core, program[path], connections, lasts) };
      one.figures.catch(() => {});   // it is waited for at the end
      loads.push(one);
      await pause(warm);
      one.child.kill('SIGSTOP');
    }
    const each = Math.round(seconds * 1000 / turn);
    for (let at = 0; at < each; ++at)
      for (const { child, program } of at % 2 ? [...loads].reverse() : loads) {
        child.kill('SIGCONT');
        await Promise.all([pause(turn), at === each >> 1 && scrape(program)]);
        child.kill('SIGSTOP');
      }
    await pause(Math.max(0, begun + (lasts + 1) * 1000 - Date.now()));   // the time of all of them is over, and they only have to be let end
    const cells = [];
    for (const { child, program, cpu, figures } of loads) {
      child.kill('SIGCONT');
      const got = await figures;
      check(got, program, path, connections);
      cells.push({ name: program.name, requests: got.requests, cpu: (cpu_time(program.child) - cpu) / 1000 / got.requests });
    }
    const now = ticks(core);
    const steal = (now.stolen - before.stolen) / Math.max(1, now.all - before.all);
    return cells.map(one => ({ ...one, steal }));
  } finally {
    for (const { child } of loads) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  }
}

// System calls of the program per request, by name; strace slows it down and is a cell of its own.
export async function system_calls(stage, program, path, connections) {
  await wrk(stage.core, program[path], connections, 1);
  const tracer = spawn('strace', ['-c', '-f', '-U', 'calls,name', ...Stage.processes(program.child).flatMap(pid => ['-p', pid])], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  tracer.stderr.on('data', bytes => { said += bytes; });
  const ended = new Promise(done => tracer.once('exit', done));
  await pause(500);
  const got = await wrk(stage.core, program[path], connections, 2);
  tracer.kill('SIGINT');
  await ended;
  const calls = Object.fromEntries([...said.matchAll(/^\s*(\d+) ([a-z0-9_]+)$/gm)].filter(([, , name]) => name !== 'total').map(([, count, name]) => [name, Number(count) / got.requests]));
  if (Object.keys(calls).length === 0) throw new Error(`strace counted nothing: ${said.slice(0, 1000)}`);
  return { total: Object.values(calls).reduce((a, b) => a + b, 0), calls };
}

// What callgrind wrote of two runs of a known number of requests, to be subtracted, so that beginning and end fall out. Of the
// program's own processor time, not the kernel's.
const [few, many] = [500, 2500];
async function counted(stage, start, path) {
  const files = [];
  for (const requests of [few, many]) {
    const out = `${stage.folder}/callgrind.${Date.now()}`;
    const program = await start(['valgrind', '--quiet', '--tool=callgrind', `--callgrind-out-file=${out}`]);
    await pause(1500);   // the gateway reads its configuration once more soon after its start: in both runs, or in none
    await steady_requests(program[path], requests);
    await stage.stop(program.child);
    files.push(out);
  }
  return files;
}

// Instructions and allocations per request.
export async function instructions(stage, start, path) {
  const [a, b] = (await counted(stage, start, path)).map(file => {
    const text = readFileSync(file, 'utf8');
    return { instructions: Number(text.match(/^(?:totals|summary): (\d+)/m)[1]), allocations: calls_of(text, ['malloc', 'calloc', 'realloc', 'posix_memalign', 'aligned_alloc', 'memalign']) };
  });
  return { instructions: (b.instructions - a.instructions) / (many - few), allocations: (b.allocations - a.allocations) / (many - few) };
}

// Where they go: instructions per request by function, with all that it calls, and by file (program or library), most first.
export async function where(stage, start, path) {
  const files = await counted(stage, start, path);
  const costs = async inclusive => {
    const [a, b] = await Promise.all(files.map(async file => {
      const { stdout } = await run('callgrind_annotate', ['--threshold=100', `--inclusive=${inclusive ? 'yes' : 'no'}`, file], { maxBuffer: 1 << 28 });
      const of = new Map();
      for (const [, cost, name, object] of stdout.matchAll(/^ *([\d,]+) \([ \d.]+%\)  \S*?:(.*) \[(.*)\]$/gm)) {
        const key = inclusive ? name : object.replace(/^.*\//, '');
        of.set(key, (of.get(key) ?? 0) + Number(cost.replaceAll(',', '')));
      }
      return of;
    }));
    return [...b].map(([name, cost]) => ({ name, cost: (cost - (a.get(name) ?? 0)) / (many - few) })).sort((x, y) => y.cost - x.cost);
  };
  return { functions: await costs(true), files: await costs(false) };
}

// Calls of functions with these names, in a file of callgrind's (names are compressed: "(id) name" once, "(id)" afterwards).
function calls_of(text, wanted) {
  const ids = new Set();
  let sum = 0, called = '';
  for (const line of text.split('\n')) {
    const named = line.match(/^c?fn=(\(\d+\))(?: (.*))?$/);
    if (named) {
      const [, id, name] = named;
      if (name && wanted.includes(name.replace(/'\d+$|@.*$/, ''))) ids.add(id);
      called = line.startsWith('cfn') ? id : called;
    } else if (line.startsWith('calls=') && ids.has(called)) {
      sum += Number(line.slice(6).split(' ')[0]);
    }
  }
  return sum;
}

// So many requests, one after the other over one connection.
async function steady_requests({ url, headers = {} }, count) {
  const { Agent, request } = await import('node:http');
  const { creation } = await import('./programs.mjs');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < count; ++i)
    await new Promise((done, failed) => {
      const asked = request(url, { agent, method: 'POST', headers: { ...headers, 'Content-Type': 'application/json', Accept: 'application/json', 'Content-Length': creation.length } },
        answer => answer.resume().on('end', done));
      asked.on('error', failed);
      asked.end(creation);
    });
  agent.destroy();
}
