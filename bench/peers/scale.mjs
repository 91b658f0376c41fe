// scale.mjs BIN [RESULTS]: how CPU, memory and latency of the gateway grow from 1 to 10,000 connections, and from one loop to two.
//   ROUNDS=3 RUN_SECONDS=3 CONNECTIONS="1 16 64 256 1000 4000 10000" LOOPS="1 2" CORES="0-1"   QUICK=1: half a minute
// What it prints stands in ../SCALING.md, with what follows from it. Creations, handed on; gateway, upstream and load share the cores.
import { availableParallelism } from 'node:os';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cell, resident } from './measure.mjs';
import { median, versions } from './report.mjs';
import { Stage, here } from './programs.mjs';

const [bin, results = `${here}/../results`] = process.argv.slice(2);
if (!bin) { console.error('usage: scale.mjs BIN [RESULTS]'); process.exit(2); }
const { env } = process;
const quick = Boolean(env.QUICK && env.QUICK !== '0');
const rounds = Number(env.ROUNDS ?? (quick ? 1 : 3)), seconds = Number(env.RUN_SECONDS ?? (quick ? 1 : 3));
const numbers = (text, otherwise) => (text ?? otherwise).split(/\s+/).map(Number);
const counts = numbers(env.CONNECTIONS, quick ? '1 64 1000' : '1 16 64 256 1000 4000 10000');
const loops = numbers(env.LOOPS, '1 2');
const stage = new Stage(bin, '', env.CORES ?? `0-${Math.min(2, availableParallelism()) - 1}`);
const stop = async code => { await stage.end(); process.exit(code); };
process.on('SIGINT', () => stop(130)).on('SIGTERM', () => stop(143));

try {
  await stage.upstream();
  const rows = [];
  for (let round = 1; round <= rounds; ++round)
    for (const connections of round % 2 ? counts : [...counts].reverse())
      for (const with_loops of loops) {
        // A fresh one each time: what it took for more connections would count for fewer.
        const gateway = await stage.gateway({ loops: with_loops, connections: 512 });
        const before = resident(gateway.child);
        const longer = connections / 500;  // the connections are made within that time
        const got = await cell(stage, gateway, 'proxied', connections, seconds + longer, 1 + longer);
        rows.push({ connections, loops: with_loops, round, ...got, memory: resident(gateway.child), before });
        await stage.stop(gateway.child);
        console.log(`${String(connections).padStart(5)} connections, ${with_loops} loops, round ${round}: ${got.cpu.toFixed(1)} µs, ${got.rate.toFixed(0)}/s, p50 ${got.p50.toFixed(2)} ms, p99 ${got.p99.toFixed(2)} ms`);
      }
  const out = [...versions().map(line => `- ${line}`),
    `- ${new Date().toISOString().slice(0, 10)}, \`bench/peers/scale.mjs\`: medians of ${rounds} rounds of ${seconds} s; gateway, upstream and load share cores ${stage.core}`, '',
    '| connections | loops | CPU µs per request | requests/s | p50 ms | p99 ms | p99.9 ms | resident MiB |', '|---|---|---|---|---|---|---|---|'];
  for (const connections of counts)
    for (const with_loops of loops) {
      const its = rows.filter(row => row.connections === connections && row.loops === with_loops);
      const of = column => median(its.map(row => row[column]));
      out.push(`| ${connections} | ${with_loops} | ${of('cpu').toFixed(1)} | ${of('rate').toFixed(0)} | ${of('p50').toFixed(2)} | ${of('p99').toFixed(2)} | ${of('p999').toFixed(2)} | ${(of('memory') / 2 ** 20).toFixed(0)} |`);
    }
  mkdirSync(results, { recursive: true });
  writeFileSync(`${results}/scale.md`, out.join('\n') + '\n');
  console.log(`\n${out.join('\n')}`);
  await stop(0);
} catch (fault) {
  console.error(fault);
  await stop(1);
}
