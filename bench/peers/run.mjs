// run.mjs BIN FLOOR [RESULTS]: the gateway, nginx, nginx with Lua, HAProxy and the floor against the same upstream, with the same load, by turns.
//   ROUNDS=5 RUN_SECONDS=2 CONNECTIONS="1 16 64 256" PATHS="proxied local refused" ONLY="gateway nginx" DETAILS=0   QUICK=1: two minutes
import { availableParallelism } from 'node:os';
import { busy, idle } from './memory.mjs';
import { by_turns, cell, instructions, system_calls } from './measure.mjs';
import { report } from './report.mjs';
import { Stage, here } from './programs.mjs';

const [bin, floor, results = `${here}/../results`] = process.argv.slice(2);
if (!floor) { console.error('usage: run.mjs BIN FLOOR [RESULTS]'); process.exit(2); }
const { env } = process;
const quick = Boolean(env.QUICK && env.QUICK !== '0');
const rounds = Number(env.ROUNDS ?? (quick ? 2 : 5)), seconds = Number(env.RUN_SECONDS ?? (quick ? 0.5 : 2));
const numbers = (text, otherwise) => (text ?? otherwise).split(/\s+/).map(Number);
const counts = numbers(env.CONNECTIONS, quick ? '16 64' : '1 16 64 256');
const paths = (env.PATHS ?? 'proxied local refused').split(/\s+/);
const only = env.ONLY?.split(/\s+/);
const stage = new Stage(bin, floor, Number(env.CORE ?? availableParallelism() - 1));
const stop = async code => { await stage.end(); process.exit(code); };
process.on('SIGINT', () => stop(130)).on('SIGTERM', () => stop(143));

// What the gateway says of its connections to Podero.
const uses = async gateway => {
  const text = await (await fetch(`${gateway.admin}/metrics`)).text();
  const count = way => [...text.matchAll(new RegExp(`^onboarding_gateway_upstream_connection_uses_total\\{[^}]*"${way}"[^}]*\\} (\\S+)$`, 'gm'))].reduce((sum, [, n]) => sum + Number(n), 0);
  return { fresh: count('new'), again: count('reused') };
};

try {
  await stage.upstream();
  const gateway = await stage.gateway();
  // The same with the upstream spoken to as nginx does: for what HTTP/2 is worth.
  const plain = only && !only.includes('gateway-http1') ? [] : [await stage.gateway({ streams: 0 })].map(({ local, refused, ...creations }) => creations);
  const programs = [await stage.nginx('nginx'), await stage.nginx('lua'), await stage.haproxy(), gateway, ...plain, ...await stage.floors()].filter(one => !only || only.includes(one.name));
  const found = { rounds, seconds, cells: [], details: [] };
  for (const path of paths) {
    const those = programs.filter(one => one[path] && !(path === 'local' && one.name === 'lua') && !(path === 'refused' && one.name === 'lua'));
    for (const connections of path === 'proxied' ? counts : counts.filter(n => n >= 64))
      for (let round = 1; round <= rounds; ++round) {
        const line = [];
        const cpu = new Map((await by_turns(stage, those, path, connections, seconds)).map(one => [one.name, one]));
        for (const program of round % 2 ? those : [...those].reverse()) {
          const alone = await cell(stage, program, path, connections, Math.max(1, seconds / 2), 0);
          const turns = cpu.get(program.name);
          found.cells.push({ path, connections, round, name: program.name, ...alone, cpu: turns.cpu, steal: Math.max(turns.steal, alone.steal) });
          line.push(`${program.name} ${turns.cpu.toFixed(1)}${turns.steal > 0.1 ? ' (stolen)' : ''}`);
        }
        console.log(`${path.padEnd(8)} ${String(connections).padStart(4)} connections, round ${round}: CPU µs ${line.join(', ')}`);
      }
  }
  if (env.DETAILS !== '0') {
    const used = await uses(gateway);
    const started = { nginx: before => stage.nginx('nginx', { before }), gateway: before => stage.gateway({ before }), floor: async before => (await stage.floors({ before }))[0] };
    for (const name of ['nginx', 'lua', 'haproxy', 'gateway', 'floor']) {
      const program = programs.find(one => one.name === name && one.proxied);
      if (!program) continue;
      console.log(`details of ${name}`);
      const detail = { name, calls: await system_calls(stage, program, 'proxied', 64) };
      const [few, many] = quick ? [500, 2000] : [1000, 5000];
      if (program.local) detail.idle = await idle(program, few, many);
      if (!quick && started[name]) detail.instructions = await instructions(stage, started[name], 'proxied');
      if (name === 'gateway') Object.assign(detail, { reuse: used.again / (used.again + used.fresh), busy: await busy(stage, quick ? 100 : 500, quick ? 400 : 1500) });
      found.details.push(detail);
    }
  }
  const { goals, text } = report(found, results, quick);
  console.log(`\n${text}`);
  // Two rounds of a second say nothing firm: only the whole run is a verdict.
  const missed = goals.filter(one => one.value > one.must);
  await stop(!quick && missed.length && env.VERDICT !== '0' ? 1 : 0);
} catch (fault) {
  console.error(fault);
  await stop(1);
}
