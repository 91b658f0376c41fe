import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments, parse, stringify } from 'yaml';
import { chart, tools } from './places.mjs';

export const helms = ['helm-3', 'helm-4'];
export const examples = readdirSync(`${chart}/ci`).filter(f => f.endsWith('-values.yaml')).sort();
export const example = name => parse(readFileSync(`${chart}/ci/${name}`, 'utf8'));

// helm(HELM, ARGUMENTS, VALUES): values as an object. KUBECONFIG and HOME lead nowhere: a rendering that asks a cluster fails.
export function helm(which, args, values) {
  const folder = mkdtempSync(join(tmpdir(), 'chart-'));
  try {
    writeFileSync(`${folder}/values.yaml`, stringify(values));
    const ran = spawnSync(`${tools}/${which}`, [...args, '--values', `${folder}/values.yaml`],
      { encoding: 'utf8', env: { HOME: folder, KUBECONFIG: '/nowhere', PATH: '' }, maxBuffer: 64 << 20 });
    if (ran.error) throw ran.error;
    return { ok: ran.status === 0, out: ran.stdout, said: ran.stdout + ran.stderr };
  } finally { rmSync(folder, { recursive: true }); }
}
export const template = (which, values, where = chart) => helm(which, ['template', 'gateway', where, '--namespace', 'onboarding'], values);

export function objects(text) {
  return parseAllDocuments(text, { uniqueKeys: true }).map(d => {
    if (d.errors.length) throw new Error(d.errors.map(e => e.message).join('\n'));
    return d.toJS();
  }).filter(o => o != null);
}

// A copy of `values` in which `change` was made; paths as a.b.c, undefined takes a member away.
export function changed(values, change) {
  const copy = structuredClone(values);
  for (const [path, to] of Object.entries(change)) {
    const names = path.split('.');
    const last = names.pop();
    let at = copy;
    for (const name of names) at = at[name] ??= {};
    if (to === undefined) delete at[last]; else at[last] = to;
  }
  return copy;
}
