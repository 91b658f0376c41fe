// where.mjs BIN [proxied|local|refused]: on which functions the gateway spends the instructions of one request (callgrind, one connection).
import { availableParallelism } from 'node:os';
import { where } from './measure.mjs';
import { Stage } from './programs.mjs';

const [bin, path = 'proxied'] = process.argv.slice(2);
if (!bin || !['proxied', 'local', 'refused'].includes(path)) { console.error('usage: where.mjs BIN [proxied|local|refused]'); process.exit(2); }
const stage = new Stage(bin, '', availableParallelism() - 1);
const stop = async code => { await stage.end(); process.exit(code); };
process.on('SIGINT', () => stop(130)).on('SIGTERM', () => stop(143));

// `a::b<c>::d(e) const` is shown as `a::b::d`.
function short(name) {
  let plain = name.replace(/\(anonymous namespace\)::/g, '').replace(/operator[<>]+/g, 'operator');
  for (let before; before !== plain;) [before, plain] = [plain, plain.replace(/<[^<>]*>/g, '')];
  return plain.replace(/\(.*$/, '').replace(/^.* /, '').replace(/gateway::/g, '') + (name.includes('.resume]') ? ' (resumed)' : '');
}

try {
  await stage.upstream();
  const found = await where(stage, before => stage.gateway({ before }), path);
  const line = ({ name, cost }) => console.log(`${Math.round(cost).toLocaleString('en').padStart(8)}  ${name}`);
  console.log('instructions per request, of each file:');
  found.files.filter(one => one.cost >= 10).forEach(line);
  console.log('\nof each function, with what it calls:');
  found.functions.filter(one => one.cost >= 300 && !/^0x/.test(one.name)).map(one => ({ ...one, name: short(one.name) })).forEach(line);
  await stop(0);
} catch (fault) {
  console.error(fault);
  await stop(1);
}
