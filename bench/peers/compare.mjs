// compare.mjs BIN BIN...: what a creation takes by the gateway of each of these folders, as a multiple of the first one's, by short turns. Finer
// than run.mjs: all are started anew for each round, as how well a process's pages suit the caches stays what it is for its life.
//   ROUNDS=8 RUN_SECONDS=2 CONNECTIONS=64 PATHS=proxied
import { availableParallelism } from 'node:os';
import { by_turns, wrk } from './measure.mjs';
import { Stage } from './programs.mjs';

const bins = process.argv.slice(2);
if (bins.length < 2) { console.error('usage: compare.mjs BIN BIN...'); process.exit(2); }
const { env } = process;
const numbers = (text, otherwise) => (text ?? otherwise).split(/\s+/).map(Number);
const [[rounds], [seconds], counts, paths] = [numbers(env.ROUNDS, '8'), numbers(env.RUN_SECONDS, '2'), numbers(env.CONNECTIONS, '64'), (env.PATHS ?? 'proxied').split(/\s+/)];
const stage = new Stage('', '', Number(env.CORE ?? availableParallelism() - 1));
const stop = async code => { await stage.end(); process.exit(code); };
process.on('SIGINT', () => stop(130)).on('SIGTERM', () => stop(143));

// Geometric, as of ratios; and how far it may be off (standard error).
function mean(ratios) {
  const logs = ratios.map(Math.log), middle = logs.reduce((a, b) => a + b, 0) / logs.length;
  const spread = Math.sqrt(logs.reduce((sum, one) => sum + (one - middle) ** 2, 0) / Math.max(1, logs.length - 1) / logs.length);
  return { middle: Math.exp(middle), spread };
}

try {
  await stage.upstream();
  for (const path of paths)
    for (const connections of counts) {
      const cpu = bins.map(() => []);
      for (let round = 0; round < rounds; ++round) {
        const order = round % 2 ? [...bins.keys()].reverse() : [...bins.keys()];
        const gateways = [];
        for (const i of order) gateways.push({ ...await stage.gateway({ bin: bins[i] }), name: bins[i] });
        for (const one of gateways) await wrk(stage.core, one[path], connections, 1);   // which opens its connections to the upstream
        (await by_turns(stage, gateways, path, connections, seconds)).forEach((one, at) => cpu[order[at]].push(one.cpu));
        for (const { child } of gateways) await stage.stop(child);
      }
      console.log(`${path}, ${connections} connections, ${rounds} rounds of ${seconds} s:`);
      bins.forEach((bin, i) => {
        const { middle, spread } = mean(cpu[i].map((one, round) => one / cpu[0][round]));
        console.log(`${middle.toFixed(3)} ± ${spread.toFixed(3)}  ${mean(cpu[i]).middle.toFixed(1).padStart(6)} µs  ${bin}`);
      });
    }
  await stop(0);
} catch (fault) {
  console.error(fault);
  await stop(1);
}
