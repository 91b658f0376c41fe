// generate.mjs [--check]: values.schema.json (with the schema of gateway.yaml inside) and the table of the chart's README, made from
// what is written by hand: values.schema.source.json, config/gateway.schema.json and the comments of values.yaml.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseDocument, isMap } from 'yaml';
import { chart, root } from './places.mjs';

function schema() {
  const values = JSON.parse(readFileSync(`${root}/tests/chart/values.schema.source.json`, 'utf8'));
  const gateway = JSON.parse(readFileSync(`${root}/config/gateway.schema.json`, 'utf8').replaceAll('#/$defs/', '#/definitions/gateway_'));
  const { $defs, $schema, title, description, ...top } = gateway;
  // The chart fills values in, and an empty `config` is the default of values.yaml: what is required is asked for at the top.
  // helm 4 takes the number 1.2 and the text "1.2" for a repetition, which an enum must not have: the texts stay.
  const once = one => {
    if (one && typeof one === 'object') for (const [key, member] of Object.entries(one)) key === 'enum' && Array.isArray(member) ? one[key] = member.filter(m => !(typeof m === 'number' && member.includes(String(m)))) : once(member);
    return one;
  };
  // In draft 7 nothing beside a $ref counts.
  const apart = one => {
    if (!one || typeof one !== 'object') return one;
    for (const member of Object.values(one)) apart(member);
    if (typeof one.$ref === 'string' && Object.keys(one).some(key => !['$ref', 'description', 'default'].includes(key))) {
      one.allOf = [{ $ref: one.$ref }, ...one.allOf ?? []];
      delete one.$ref;
    }
    return one;
  };
  const made = one => apart(once(one));
  values.definitions.gateway = made(top);
  for (const [name, one] of Object.entries($defs)) values.definitions[`gateway_${name}`] = made(one);
  return JSON.stringify(values, null, 1) + '\n';
}

// Every value has a comment before it; maps that are documented member by member have none.
function rows(map, prefix, undocumented) {
  const found = [];
  for (const [n, pair] of map.items.entries()) {
    const path = prefix + pair.key.value;
    const comment = pair.key.commentBefore ?? (n === 0 ? map.commentBefore : undefined);
    if (isMap(pair.value) && !pair.value.flow) { found.push(...rows(pair.value, `${path}.`, undocumented)); continue; }
    if (!comment) { undocumented.push(path); continue; }
    const shown = JSON.stringify(pair.value?.toJSON() ?? null);
    found.push(`| \`${path}\` | ${comment.trim().split('\n').map(l => l.trim()).join(' ')} | \`${shown}\` |`);
  }
  return found;
}

function readme() {
  const document = parseDocument(readFileSync(`${chart}/values.yaml`, 'utf8'));
  const undocumented = [];
  const table = rows(document.contents, '', undocumented);
  if (undocumented.length) throw new Error(`values.yaml: without a comment: ${undocumented.join(', ')}`);
  const text = readFileSync(`${chart}/README.md`, 'utf8');
  const [begin, end] = ['<!-- values: begin -->\n', '<!-- values: end -->'];
  if (!text.includes(begin) || !text.includes(end)) throw new Error('README.md: the marks of the table are missing');
  return text.slice(0, text.indexOf(begin) + begin.length) + ['', '| value | meaning | default |', '|---|---|---|', ...table, '', ''].join('\n') + text.slice(text.indexOf(end));
}

export function stale() {
  const files = { [`${chart}/values.schema.json`]: schema(), [`${chart}/README.md`]: readme() };
  return Object.entries(files).filter(([path, text]) => {
    try { return readFileSync(path, 'utf8') !== text; } catch { return true; }
  });
}

if (process.argv[1]?.endsWith('generate.mjs')) {
  const old = stale();
  if (process.argv[2] === '--check') {
    for (const [path] of old) console.error(`${path} is not what its sources say: tests/chart/run generate`);
    process.exit(old.length ? 1 : 0);
  }
  for (const [path, text] of old) { writeFileSync(path, text); console.log(`written: ${path}`); }
}
