// caches.mjs BIN [CONNECTIONS=64] [gateway|nginx]: what the first cache and the branch predictor of a processor as callgrind plays it do in
// one creation while as many are under way as there are connections. Of the program's own instructions, not the kernel's.
import { Agent, request } from 'node:http';
import { availableParallelism } from 'node:os';
import { readFileSync } from 'node:fs';
import { Stage, creation, pause } from './programs.mjs';

const [bin, connections = '64', name = 'gateway'] = process.argv.slice(2);
if (!bin || !(Number(connections) >= 1) || !['gateway', 'nginx'].includes(name)) { console.error('usage: caches.mjs BIN [CONNECTIONS] [gateway|nginx]'); process.exit(2); }
const stage = new Stage(bin, '', availableParallelism() - 1);
const stop = async code => { await stage.end(); process.exit(code); };
process.on('SIGINT', () => stop(130)).on('SIGTERM', () => stop(143));

// So many creations over each connection, and how many of them failed.
async function send({ url, headers = {} }, each) {
  const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
  const options = { agent, method: 'POST', headers: { ...headers, 'Content-Type': 'application/json', Accept: 'application/json', 'Content-Length': creation.length } };
  let failed = 0;
  await Promise.all(Array.from({ length: Number(connections) }, async () => {
    for (let i = 0; i < each; ++i)
      await new Promise((done, broken) => request(url, options, answer => {
        if (answer.statusCode >= 300) ++failed;
        answer.resume().on('end', done);
      }).on('error', broken).end(creation));
  }));
  agent.destroy();
  return failed;
}

const shown = { Ir: 'instructions', I1mr: 'instruction misses', D1mr: 'data misses, read', D1mw: 'data misses, written', Bcm: 'branches mistaken', Bim: 'indirect branches mistaken' };

// Two runs, to be subtracted, so that beginning and end fall out. Under valgrind the first creations take too long for their deadlines,
// as each needs a connection to the upstream: those do not count.
async function counted(each) {
  const out = `${stage.folder}/caches.${each}`;
  const before = ['valgrind', '--quiet', '--tool=callgrind', `--callgrind-out-file=${out}`, '--cache-sim=yes', '--branch-sim=yes',
    '--I1=32768,8,64', '--D1=32768,8,64', '--LL=524288,8,64'];
  const program = name === 'nginx' ? await stage.nginx('nginx', { before }) : await stage.gateway({ before });
  let begun = 0;
  do await pause(1000); while (++begun < 20 && await send(program.proxied, 2) > 0);
  const failed = await send(program.proxied, each);
  if (failed) throw new Error(`${failed} creations failed: these figures say nothing`);
  await stage.stop(program.child);
  const text = readFileSync(out, 'utf8');
  const numbers = text.match(/^(?:totals|summary): (.*)$/m)[1].trim().split(' ').map(Number);
  return { creations: (2 * begun + each) * Number(connections), ...Object.fromEntries(text.match(/^events: (.*)$/m)[1].split(' ').map((event, i) => [event, numbers[i]])) };
}

try {
  await stage.upstream();
  const [few, many] = [10, 100];
  const [a, b] = [await counted(few), await counted(many)];
  console.log(`${name}, ${connections} connections, for each creation:`);
  for (const [event, what] of Object.entries(shown)) console.log(`${Math.round((b[event] - a[event]) / (b.creations - a.creations)).toLocaleString('en').padStart(8)}  ${what}`);
  await stop(0);
} catch (fault) {
  console.error(fault);
  await stop(1);
}
